import { InvalidArgumentError } from './base/errors.js'
import type { StoredType } from './base/matrix.js'
import type { RowType } from './base/options.js'
import { convertRows, openRows, type FileOpener, type RowHints, type RowSource } from './base/rows.js'
import { sharedBuffer } from './base/shared.js'
import type { Pace } from './format/pace.js'

/** Components read at a time: a block is checked and copied within some milliseconds. */
const BLOCK_COMPONENTS = 1 << 19
/** Rows read at a time, however short they are: each that is not a whole number of 16 bytes is copied by itself. */
const BLOCK_ROWS = 1 << 14

/** Rows or queries of a dimension to read at a time. */
export function blockRows(dim: number): number {
  return Math.max(1, Math.min(BLOCK_ROWS, Math.floor(BLOCK_COMPONENTS / dim)))
}

/** Where the hints come from, for rows and for queries alike. */
export function rowHints(
  argument: string,
  options: { dim?: number | undefined; type?: RowType | undefined },
  openFile: FileOpener,
): RowHints {
  return { argument, dim: options.dim, type: options.type, openFile }
}

/** What plain buffers of queries hold, beside rows of a type. */
export function plainType(type: StoredType): RowType {
  return type === 'i10' || type === 'none' ? 'f32' : type
}

/** Open queries of rows of a dimension and type: plain buffers and f16 bits need not say what they are again. */
export async function openQueries(
  queries: Parameters<typeof openRows>[0],
  of: { dim: number; type: RowType },
  openFile: FileOpener,
): Promise<RowSource> {
  return openRows(queries, { ...rowHints('queries', { dim: of.dim }, openFile), typeOfBuffers: of.type })
}

/** Place of the first value that is no finite number; -1 where all are. A loop, since a callback a value takes ten times as long. */
function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i
  return -1
}

/** Queries as f32 [count * dim], in shared memory where that can be, checked. */
export async function takeQueries(source: RowSource, dim: number, pace: Pace): Promise<Float32Array> {
  const blocks: Float32Array[] = []
  let length = 0
  for await (const { data } of source.blocks(blockRows(dim))) {
    await pace.turn()
    const converted = convertRows(data, source.type, 'f32') as Float32Array
    // A copy: the caller may fill the same array again for the next block.
    blocks.push(converted === data ? converted.slice() : converted)
    length += data.length
  }
  const all = new Float32Array(sharedBuffer(length * 4))
  let at = 0
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) {
    await pace.turn()
    const bad = firstNotFinite(block)
    if (bad >= 0) {
      throw new InvalidArgumentError(
        'queries',
        `component ${bad % dim} of query ${Math.floor((at + bad) / dim)} is ${block[bad]}, but a finite number is expected`,
      )
    }
    all.set(block, at)
    at += block.length
  }
  return all
}
