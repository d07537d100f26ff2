import { loadKernels, setKernelModule, useKernels } from './kernels/load.js'
import { InvalidArgumentError } from './base/errors.js'
import type { ModuleLike, ResponseLike, UrlLike } from './base/globals.js'
import { hooks } from './base/hooks.js'
import { bytesOf, isAddress, tagOf, wrong } from './base/kinds.js'
import { knownOptions } from './base/options.js'
import { openRead } from '#io'

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
    throw wrong('worker', given.worker, 'a function that returns a started worker')
  }
  const base = given.trainerBase === undefined ? undefined : folderOf(given.trainerBase)
  if (given.wasm === undefined) await loadKernels()
  else await takeKernels(await given.wasm)
  if (given.worker !== undefined) hooks.worker = given.worker
  if (base !== undefined) hooks.trainerBase = base
}

async function takeKernels(wasm: unknown): Promise<void> {
  const kind = tagOf(wasm)
  const bytes = bytesOf(wasm)
  if (bytes !== undefined) return useKernels(bytes)
  if (kind === 'WebAssembly.Module') return setKernelModule(wasm as WebAssembly.Module)
  if (kind === 'URL') return useKernels(await readAll(wasm as URL))
  if (kind === 'Response') {
    const response = wasm as Response
    if (response.ok) return useKernels(new Uint8Array(await response.arrayBuffer()))
    throw new InvalidArgumentError('wasm', `wasm is a response of status ${response.status}; check its address`)
  }
  throw wrong('wasm', wasm, 'bytes, a WebAssembly.Module, a URL or a Response')
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
  if (!isAddress(base)) {
    throw wrong('trainerBase', base, 'a folder or address')
  }
  const text = String(base)
  const folder = text.endsWith('/') ? text : `${text}/`
  const page = globalThis.location?.href
  return page === undefined ? folder : new URL(folder, page).href
}
