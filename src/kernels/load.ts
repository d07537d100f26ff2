import { relaxed, strict } from '#wasm'
import { UnsupportedError } from '../base/errors.js'
import { canShare } from '../base/shared.js'
import { applyEdits, bytesOfText, noKernels, withMemory, type Edit } from './binary.js'

/** Kernels as the library carries them: as text, or, where bytes cannot be compiled, as a module. */
export interface CarriedKernels {
  readonly strict: string | WebAssembly.Module
  /** What the relaxed binary differs in. */
  readonly relaxed: readonly Edit[]
}

const searching: CarriedKernels = { strict, relaxed }

/** The kernels of this thread, and which memory they link to. */
interface Compiled {
  readonly module: WebAssembly.Module
  readonly shared: boolean
}

let compiled: Compiled | undefined
const loading = new Map<CarriedKernels, Promise<Compiled>>()

/**
 * The compiled kernels, those of searching unless others were loaded: compiled once per thread from the binary that the
 * library carries, the relaxed one where this runtime accepts it. Both give the same bits.
 * @throws {UnsupportedError} BATL_UNSUPPORTED where WebAssembly SIMD is missing, or compiling is forbidden.
 */
export function kernelModule(): WebAssembly.Module {
  return current().module
}

/** Whether the kernels of this thread link to a shared memory. */
export function kernelsShare(): boolean {
  return current().shared
}

function current(): Compiled {
  compiled ??= compile(searching)
  return compiled
}

/**
 * Compile without holding the thread up, as browsers ask for; later calls of `kernelModule` find it done.
 * @param carried - those of searching by default; `loadBuildKernels` gives all of them.
 */
export async function loadKernels(carried: CarriedKernels = searching): Promise<void> {
  const suffices = (): boolean => compiled !== undefined && (carried === searching || buildsToo(compiled.module))
  if (suffices()) return
  let load = loading.get(carried)
  if (load === undefined) loading.set(carried, (load = compileLater(carried)))
  try {
    const loaded = await load
    if (!suffices()) compiled = loaded
  } finally {
    loading.delete(carried)
  }
}

/** Whether a module holds the kernels of building as well. */
function buildsToo(module: WebAssembly.Module): boolean {
  return WebAssembly.Module.exports(module).some(({ name }) => name === 'encodeBlock')
}

/** Use a module that was compiled elsewhere: on another thread, or from the caller's own file. */
export function setKernelModule(module: WebAssembly.Module): void {
  compiled = { module, shared: linkedMemory(module) }
}

/** Use the caller's own copy of a binary. */
export async function useKernels(bytes: Uint8Array): Promise<void> {
  const shared = canShare()
  const own = withMemory(Uint8Array.from(bytes), shared)
  let module: WebAssembly.Module
  try {
    module = await WebAssembly.compile(own)
  } catch (cause) {
    throw WebAssembly.validate(own) ? forbidden(cause) : noKernels(cause)
  }
  setKernelModule(module)
}

/** Which memory a module links to: nothing but linking tells. */
function linkedMemory(module: WebAssembly.Module): boolean {
  const links = (shared: boolean): boolean => {
    try {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared })
      const { exports } = new WebAssembly.Instance(module, { env: { memory } })
      return typeof exports['heapBase'] === 'function'
    } catch {
      return false
    }
  }
  if (canShare() && links(true)) return true
  if (links(false)) return false
  throw noKernels()
}

/** A binary as bytes for this runtime. */
function bytesOf(text: string, relaxed: readonly Edit[]): Uint8Array<ArrayBuffer> {
  const plain = bytesOfText(text)
  for (const bytes of [applyEdits(plain, relaxed), plain])
    if (WebAssembly.validate(withMemory(bytes, canShare()))) return bytes
  throw new UnsupportedError('this runtime has no WebAssembly SIMD; use a browser or runtime of 2022 or later')
}

function compile({ strict, relaxed }: CarriedKernels): Compiled {
  if (typeof strict !== 'string') return { module: strict, shared: linkedMemory(strict) }
  const bytes = bytesOf(strict, relaxed)
  try {
    return { module: new WebAssembly.Module(bytes), shared: canShare() }
  } catch (cause) {
    throw forbidden(cause)
  }
}

async function compileLater(carried: CarriedKernels): Promise<Compiled> {
  const { strict, relaxed } = carried
  if (typeof strict !== 'string') return compile(carried)
  const bytes = bytesOf(strict, relaxed)
  try {
    return { module: await WebAssembly.compile(bytes), shared: canShare() }
  } catch (cause) {
    throw forbidden(cause)
  }
}

function forbidden(cause: unknown): UnsupportedError {
  return new UnsupportedError(
    `compiling WebAssembly is not allowed here (${String((cause as Error | undefined)?.message ?? cause)}); on a page, add ` +
      "'wasm-unsafe-eval' to script-src of its Content-Security-Policy; at the edge, import batl/kernels.wasm as a module and " +
      'call init({ wasm }) with it',
    { cause },
  )
}
