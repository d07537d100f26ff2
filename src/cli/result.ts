import type { BatchResult, IdArray } from '../index.js'
import { writeGroundTruth } from '../io/vectors.js'
import { checkFolderOf, UsageError } from './terminal.js'

/**
 * Check the name of a result before the work that makes it.
 * @throws {UsageError} when it promises another format than .ibin.
 * @throws {CommandError} when there is no folder for it.
 */
export async function checkResultFile(path: string): Promise<void> {
  if (!path.endsWith('.ibin')) throw new UsageError(`-o ${path}: results are written as .ibin; end the name in .ibin`)
  await checkFolderOf(path)
}

/**
 * Write ids and distances, as many of each for every query; no partial file is left.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT naming the first id that int32 cannot hold.
 */
export async function writeResult(path: string, result: BatchResult<IdArray>, signal: AbortSignal): Promise<void> {
  const { ids, distances, offsets } = result
  const size = offsets.length - 1
  await writeGroundTruth(path, { ids, distances, k: size === 0 ? 0 : ids.length / size, size }, signal)
}
