import { relaxed, strict } from '#wasm'

let compiled: WebAssembly.Module | undefined

/**
 * The compiled kernels: compiled once per thread from the binary that the library carries, the relaxed one where this
 * runtime accepts it. Both give the same bits.
 */
export function kernelModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(chooseBinary(decode(relaxed), () => decode(strict)))
  return compiled
}

/** Use a module that was compiled elsewhere: on another thread, or from the caller's own file. */
export function setKernelModule(module: WebAssembly.Module): void {
  compiled = module
}

function chooseBinary(wanted: BufferSource, otherwise: () => BufferSource): BufferSource {
  return WebAssembly.validate(wanted) ? wanted : otherwise()
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
