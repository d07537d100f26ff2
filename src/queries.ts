import { InvalidArgumentError } from './base/errors.js'
import type { StoredType } from './base/matrix.js'
import type { Rows, RowType } from './base/options.js'
import { openRows, toFloats, type FileOpener, type RowSource } from './base/rows.js'
import { sharedF32 } from './base/shared.js'
import type { Pace } from './format/pace.js'
import { Arena } from './kernels/memory.js'

/** Components read at a time: a block is checked and copied within some milliseconds. */
const BLOCK_COMPONENTS = 1 << 19
/** Rows read at a time, however short they are: each that is not a whole number of 16 bytes is copied by itself. */
const BLOCK_ROWS = 1 << 14

/** Rows or queries of a dimension to read at a time. */
export function blockRows(dim: number): number {
  return Math.max(1, Math.min(BLOCK_ROWS, Math.floor(BLOCK_COMPONENTS / dim)))
}

/** What plain buffers of queries hold, beside rows of a type. */
export function plainType(type: StoredType): RowType {
  return type === 'i10' || type === 'none' ? 'f32' : type
}

/** Open queries of rows of a dimension and type: plain buffers and f16 bits need not say what they are again. */
export async function openQueries(
  queries: Rows,
  of: { dim: number; type: RowType },
  openFile: FileOpener,
): Promise<RowSource> {
  return openRows(queries, { argument: 'queries', dim: of.dim, typeOfBuffers: of.type, openFile })
}

/** Place of the first value that is no finite number; -1 where all are. A loop, since a callback a value takes ten times as long. */
function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i
  return -1
}

/** Where queries go as they come: f32 in shared memory where that can be, and never twice in memory. */
interface QuerySink {
  /** Add what a block holds. */
  add(values: Float32Array): void
  take(): Float32Array
}

/** Room for a known number of components. */
function sizedSink(length: number): QuerySink {
  const all = sharedF32(length)
  let at = 0
  return {
    add(values) {
      all.set(values, at)
      at += values.length
    },
    take: () => all.subarray(0, at),
  }
}

/** Room that grows with what arrives, in a memory of its own. */
function growingSink(): QuerySink {
  const arena = Arena.create()
  const address = arena.allocate(0)
  let length = 0
  return {
    add(values) {
      arena.extend(address, (length + values.length) * 4)
      arena.f32(address + length * 4, values.length).set(values)
      length += values.length
    },
    take: () => arena.f32(address, length),
  }
}

/** Queries as f32 [count * dim], in shared memory where that can be, checked. */
export async function takeQueries(source: RowSource, dim: number, pace: Pace): Promise<Float32Array> {
  const sink = source.size === undefined ? growingSink() : sizedSink(source.size * dim)
  let taken = 0
  for await (const { data } of source.blocks(blockRows(dim))) {
    await pace.turn()
    const block = toFloats(data, source.type)
    const bad = firstNotFinite(block)
    if (bad >= 0) {
      throw new InvalidArgumentError(
        'queries',
        `component ${bad % dim} of query ${Math.floor((taken + bad) / dim)} is ${block[bad]}, but a finite number is expected`,
      )
    }
    sink.add(block)
    taken += block.length
  }
  return sink.take()
}
