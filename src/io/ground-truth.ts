import { InvalidArgumentError } from '../base/errors.js'
import type { AbortSignalLike, UrlLike } from '../base/globals.js'
import type { IdArray } from '../base/options.js'
import { openStream, pathText, writeAtomic } from '#io'
import { Reader } from './reader.js'

/** The true nearest rows of some queries, nearest first. */
export interface GroundTruth {
  /** [size * k] row numbers. */
  readonly ids: Uint32Array
  /** [size * k], where the file has them: squared L2, or the inner product (not negated), as its maker chose. */
  readonly distances?: Float32Array
  /** Neighbours of each query. */
  readonly k: number
  /** Queries. */
  readonly size: number
}

const INT32_MAX = 2 ** 31 - 1

function checkShape(reader: Reader, size: number, k: number): void {
  if (size > 0 && k > 0) return
  throw reader.error(
    `holds ${size} queries with ${k} neighbours each; give a ground truth with at least one of each`,
    0,
  )
}

/** Row numbers from int32. `offsetOf` tells where in the file a value stands. */
function toIds(reader: Reader, values: Int32Array, offsetOf: (index: number) => number): Uint32Array {
  const negative = values.findIndex((value) => value < 0)
  if (negative < 0) return new Uint32Array(values.buffer, values.byteOffset, values.length)
  const message = `holds the row number ${values[negative]}; a ground truth has k neighbours for every query, so take a smaller k`
  throw reader.error(message, offsetOf(negative))
}

/** `u32 size, u32 k`, then the ids, then possibly as many distances. */
async function readIbin(reader: Reader): Promise<GroundTruth> {
  const head = await reader.exactly(8, 'its header')
  const view = new DataView(head.buffer)
  const [size, k] = [view.getUint32(0, true), view.getUint32(4, true)]
  checkShape(reader, size, k)
  const bytes = 4 * size * k
  const promise = `${k} neighbours of ${size} queries`
  const withDistances = reader.total === undefined || reader.total === 8 + 2 * bytes
  reader.expectTotal(reader.total === 8 + 2 * bytes ? 8 + 2 * bytes : 8 + bytes, promise)
  const ids = toIds(reader, new Int32Array((await reader.exactly(bytes, 'the ids')).buffer), (index) => 8 + 4 * index)
  if (!withDistances) return { ids, k, size }
  const rest = await reader.upTo(bytes)
  if (rest.length === 0) return { ids, k, size }
  if (rest.length < bytes) throw reader.error(`ends in the middle of the distances; copy it again`)
  await reader.expectEnd(promise)
  return { ids, distances: new Float32Array(rest.buffer), k, size }
}

/** Each row is `i32 k`, then its ids. */
async function readIvecs(reader: Reader): Promise<GroundTruth> {
  const bytes = await reader.upTo(reader.total ?? Infinity)
  if (bytes.length % 4 !== 0) throw reader.error('ends in the middle of a number; copy it again')
  const words = new Int32Array(bytes.buffer, 0, bytes.length / 4)
  const k = words[0] ?? 0
  const size = k < 1 ? 0 : words.length / (k + 1)
  checkShape(reader, size, k)
  if (!Number.isInteger(size)) {
    const message = `has ${words.length} numbers, which is no whole number of rows of ${k + 1}: it is truncated or ragged; copy it again`
    throw reader.error(message, 4 * Math.floor(size) * (k + 1))
  }
  const ids = new Int32Array(size * k)
  for (let row = 0; row < size; row++) {
    const start = row * (k + 1)
    if (words[start] !== k) {
      const message = `states ${words[start]} neighbours in row ${row}, but ${k} in the first; all rows need the same number`
      throw reader.error(message, 4 * start)
    }
    ids.set(words.subarray(start + 1, start + 1 + k), row * k)
  }
  return { ids: toIds(reader, ids, (index) => 4 * (index + 1 + Math.floor(index / k))), k, size }
}

/**
 * Read a ground truth: .ibin of big-ann-benchmarks (ids, with or without distances) or .ivecs, each also .gz.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when it is missing, unreadable or of another kind.
 * @throws {FormatError} BATL_FORMAT when it is truncated, ragged, too long, or holds a negative row number.
 */
export async function readGroundTruth(path: string | UrlLike): Promise<GroundTruth> {
  const text = pathText(path)
  const kind = /\.(ibin|ivecs)(\.gz)?$/i.exec(text)?.[1]?.toLowerCase()
  if (kind === undefined) {
    throw new InvalidArgumentError(
      'path',
      `${text} is no ground truth; give a file that ends in .ibin or .ivecs, or these with .gz`,
    )
  }
  const reader = new Reader(await openStream(text))
  try {
    return await (kind === 'ibin' ? readIbin(reader) : readIvecs(reader))
  } finally {
    await reader.close()
  }
}

function toInt32(id: number | bigint | string, index: number): number {
  const number = typeof id === 'string' ? NaN : Number(id)
  if (Number.isInteger(number) && number >= 0 && number <= INT32_MAX) return number
  const shown = typeof id === 'string' ? `the string ${JSON.stringify(id)}` : String(id)
  throw new InvalidArgumentError(
    'ids',
    `ids[${index}] is ${shown}, but .ibin holds integers of 0 to 2^31 - 1; save the answers in another way`,
  )
}

/** An answer to be written: any ids that are integers of 0 to 2^31 - 1. */
export interface GroundTruthInput extends Omit<GroundTruth, 'ids'> {
  readonly ids: IdArray
}

/**
 * Write a ground truth as .ibin of big-ann-benchmarks, atomically.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when an id does not fit int32, lengths differ, or the path cannot be written.
 * @throws the signal's reason once it has aborted.
 */
export async function writeGroundTruth(
  path: string | UrlLike,
  truth: GroundTruthInput,
  signal?: AbortSignalLike,
): Promise<void> {
  const text = pathText(path)
  const { ids, distances, k, size } = truth
  if (!/\.ibin$/i.test(text))
    throw new InvalidArgumentError('path', `${text} does not end in .ibin, the only kind that is written`)
  const wanted = size * k
  if (ids.length !== wanted || (distances !== undefined && distances.length !== wanted)) {
    throw new InvalidArgumentError(
      'ids',
      `${ids.length} ids and ${distances?.length ?? 'no'} distances are given, but ${size} x ${k} are wanted`,
    )
  }
  const values = Int32Array.from(ids as ArrayLike<number | bigint | string>, toInt32)
  const chunks = [Uint32Array.of(size, k), values, ...(distances === undefined ? [] : [distances])]
  const bytes = chunks.map((chunk) => new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
  await writeAtomic(text, bytes, signal)
}
