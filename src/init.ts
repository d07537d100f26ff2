import { InvalidArgumentError } from './base/errors.js'
import type { ModuleLike, ResponseLike, UrlLike } from './base/globals.js'
import { hooks } from './base/hooks.js'
import { knownOptions } from './base/options.js'
import { openRead } from '#io'
import { loadKernels, setKernelModule, useKernels } from './kernels/load.js'

/** Where to take from what the library otherwise finds by itself. */
export interface InitOptions {
  /**
   * The kernels: `batl/kernels.wasm` or `batl/kernels-relaxed.wasm` of the same version, as bytes, as a compiled module,
   * as the address to fetch them from, or as the response that holds them.
   */
  wasm?: ArrayBufferView | ArrayBuffer | ModuleLike | UrlLike | ResponseLike | Promise<ResponseLike>
  /** Makes a started worker whose file calls `serve` of `batl/worker`. */
  worker?: () => unknown
  /** Folder or address that holds `tfjs-backend-wasm-simd.wasm` of @tensorflow/tfjs-backend-wasm. */
  trainerBase?: string | UrlLike
}

/**
 * Load the kernels now, and take them, the workers or the trainer's files from elsewhere: for bundlers, edge runtimes and
 * pages with a strict policy. Never needed where nothing is to be said; may be called again, before the first index.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT, {UnsupportedError} BATL_UNSUPPORTED where compiling is forbidden.
 */
export async function init(options?: InitOptions): Promise<void> {
  const given = knownOptions(options, ['wasm', 'worker', 'trainerBase']) as InitOptions
  if (given.worker !== undefined && typeof given.worker !== 'function') {
    throw new InvalidArgumentError(
      'worker',
      `worker is ${typeof given.worker}, but a function that returns a started worker is expected`,
    )
  }
  const base = given.trainerBase === undefined ? undefined : folderOf(given.trainerBase)
  if (given.wasm === undefined) await loadKernels()
  else await takeKernels(await given.wasm)
  if (given.worker !== undefined) hooks.worker = given.worker
  if (base !== undefined) hooks.trainerBase = base
}

async function takeKernels(wasm: unknown): Promise<void> {
  const kind = Object.prototype.toString.call(wasm)
  if (kind === '[object WebAssembly.Module]') return setKernelModule(wasm as WebAssembly.Module)
  if (ArrayBuffer.isView(wasm)) return useKernels(new Uint8Array(wasm.buffer, wasm.byteOffset, wasm.byteLength))
  if (/\[object (Shared)?ArrayBuffer\]/.test(kind)) return useKernels(new Uint8Array(wasm as ArrayBuffer))
  if (kind === '[object URL]') return useKernels(await readAll(wasm as URL))
  if (kind === '[object Response]') {
    const response = wasm as Response
    if (response.ok) return useKernels(new Uint8Array(await response.arrayBuffer()))
    throw new InvalidArgumentError('wasm', `wasm is a response of status ${response.status}; check its address`)
  }
  throw new InvalidArgumentError(
    'wasm',
    `wasm is ${wasm === null ? 'null' : typeof wasm}, but bytes, a WebAssembly.Module, a URL or a Response is expected`,
  )
}

async function readAll(url: URL): Promise<Uint8Array> {
  const file = await openRead(url)
  try {
    const bytes = new Uint8Array(file.size)
    await file.read(bytes, 0)
    return bytes
  } finally {
    await file.close()
  }
}

/** A folder with a slash at its end; on a page, as seen from the page, since workers would see it from their own file. */
function folderOf(base: unknown): string {
  const isUrl = Object.prototype.toString.call(base) === '[object URL]'
  if (typeof base !== 'string' && !isUrl) {
    throw new InvalidArgumentError('trainerBase', `trainerBase is ${typeof base}, but a folder or address is expected`)
  }
  const text = String(base)
  const folder = text.endsWith('/') ? text : `${text}/`
  const page = globalThis.location?.href
  return page === undefined ? folder : new URL(folder, page).href
}
