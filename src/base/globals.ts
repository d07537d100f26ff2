/**
 * Types of what a runtime has as globals. A program may be compiled without the declarations of any runtime, so the
 * public surface names these and not the globals.
 */

/** The instances of a global class, where the program that imports the library knows it; elsewhere nothing. */
export type Global<Name extends string> = typeof globalThis extends { [K in Name]: { prototype: infer T } } ? T : never

export type AbortSignalLike = Global<'AbortSignal'>
export type UrlLike = Global<'URL'>
export type BlobLike = Global<'Blob'>
export type ResponseLike = Global<'Response'>
/** A compiled module. */
export type ModuleLike = typeof globalThis extends { WebAssembly: { Module: { prototype: infer T } } } ? T : never
