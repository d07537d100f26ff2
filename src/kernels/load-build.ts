import * as building from '#wasm-build'
import { loadKernels } from './load.js'

/**
 * Compile all kernels, in place of those of searching: before the first memory of a build is made. Memories that were made
 * before keep theirs.
 * @throws {UnsupportedError} BATL_UNSUPPORTED as `kernelModule`.
 */
export async function loadBuildKernels(): Promise<void> {
  await loadKernels(building)
}
