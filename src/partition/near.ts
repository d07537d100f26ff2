import { align64 } from '../base/align.js'
import type { Arena } from '../kernels/memory.js'
import type { StoredType } from '../base/matrix.js'
import type { PointTable, Points } from './points.js'

/** Rows widened at a time. */
const ROWS = 256
/** Whole numbers that stored rows hold, and components up to which their products add up in 32 bits. */
const RANGES: Partial<Record<StoredType, { low: number; high: number; dim: number }>> = {
  u8: { low: 0, high: 255, dim: 16_384 },
  i8: { low: -128, high: 127, dim: 16_384 },
  i10: { low: -511, high: 511, dim: 8192 },
}

/** Forms of queries and rows at the kernel boundary. */
const FLOATS = 0
const INTEGERS = 1

/** Whether rows, and queries f32 [count * dim] as they are, can be multiplied as whole numbers. */
function areIntegers(queries: Float32Array, { rowType, dim }: PointTable): boolean {
  const range = RANGES[rowType]
  if (range === undefined || dim > range.dim) return false
  const { low, high } = range
  for (let i = 0; i < queries.length; i++) {
    const value = queries[i]!
    if (!(value >= low && value <= high && Math.trunc(value) === value)) return false
  }
  return true
}

/**
 * The nearest stored rows of a block of queries: rows are widened once and meet all queries that ask for them, two
 * queries by four rows at a time. Distances are approximate in their last bits: `bias - query . row`.
 * ```
 * | queries | rows | bias f32 [ROWS] | scales f32 [ROWS] | positions u32 [ROWS] | places u32 [queries] | heaps | sorted | ...
 * ```
 */
export class NearSearch {
  readonly #arena: Arena
  readonly #points: Points
  readonly #form: number
  readonly #k: number
  readonly #stride: number
  readonly #heapBytes: number
  readonly #base: number
  readonly #queries: number
  readonly #rows: number
  readonly #bias: number
  readonly #scales: number
  readonly #positions: number
  readonly #places: number
  readonly #heaps: number
  readonly #sorted: number
  readonly #shift: number
  readonly #scratch: number

  /** @param queries - f32 [count * dim], of any length where the metric is not L2. */
  constructor(arena: Arena, points: Points, queries: Float32Array, k: number) {
    const { dim } = points.table
    const count = queries.length / dim
    this.#arena = arena
    this.#points = points
    this.#form = areIntegers(queries, points.table) ? INTEGERS : FLOATS
    this.#k = k
    this.#stride = this.#form === INTEGERS ? ((dim + 7) & ~7) * 2 : points.width * 4
    this.#heapBytes = align64(arena.kernels.heapBytes(k))
    const parts = [count * this.#stride, ROWS * this.#stride, ROWS * 4, ROWS * 4, ROWS * 4, count * 4]
    const bytes = [...parts, count * this.#heapBytes, k * 8, points.width * 4, 32].map(align64)
    this.#base = arena.allocate(bytes.reduce((sum, part) => sum + part, 0))
    let at = this.#base
    const take = (): number => (at += bytes.shift()!)
    this.#queries = at
    this.#rows = take()
    this.#bias = take()
    this.#scales = take()
    this.#positions = take()
    this.#places = take()
    this.#heaps = take()
    this.#sorted = take()
    this.#shift = take()
    this.#scratch = take()
    this.#start(queries)
  }

  close(): void {
    this.#arena.free(this.#base)
  }

  #start(queries: Float32Array): void {
    const arena = this.#arena
    const { dim, metric } = this.#points.table
    const count = queries.length / dim
    for (let i = 0; i < count; i++) arena.kernels.heapReset(this.#heaps + i * this.#heapBytes, this.#k)
    if (this.#form === INTEGERS) {
      const width = this.#stride / 2
      const block = arena.i16(this.#queries, count * width)
      for (let i = 0; i < count; i++) block.set(queries.subarray(i * dim, (i + 1) * dim), i * width)
      return
    }
    const { width } = this.#points
    const block = arena.f32(this.#queries, count * width)
    for (let i = 0; i < count; i++) block.set(queries.subarray(i * dim, (i + 1) * dim), i * width)
    if (metric !== 'l2') return
    // Near the origin little is lost when |x|^2 / 2 - q.x stands for the distance: all is seen from the queries' mean.
    const shift = arena.f32(this.#shift, width).fill(0)
    for (let i = 0; i < block.length; i += width) for (let j = 0; j < width; j++) shift[j]! += block[i + j]! / count
    arena.kernels.shiftRows(this.#queries, this.#stride, count, width, this.#shift)
  }

  /**
   * Let queries look at the rows at positions [first, first + count).
   * @param places - of the queries that look.
   */
  look(places: Uint32Array, first: number, count: number): void {
    const arena = this.#arena
    const { table, width } = this.#points
    // Floats are read at unit length.
    const scaled = table.metric === 'cosine' && this.#form === INTEGERS
    arena.u32(this.#places, places.length).set(places)
    for (let done = 0; done < count; done += ROWS) {
      const some = Math.min(ROWS, count - done)
      const positions = arena.u32(this.#positions, some)
      for (let i = 0; i < some; i++) positions[i] = first + done + i
      if (this.#form === INTEGERS) {
        this.#points.rangeIntegers(first + done, some, this.#rows, this.#stride)
        if (table.metric === 'l2') this.#points.halfNorms(first + done, some, this.#bias)
        if (scaled) this.#points.rangeScales(first + done, some, this.#scales)
      } else {
        this.#points.range(first + done, some, this.#rows)
        if (table.metric === 'l2') {
          arena.kernels.shiftRows(this.#rows, this.#stride, some, width, this.#shift)
          arena.kernels.squaredNorms(0, this.#rows, this.#stride, some, width, this.#bias)
          const norms = arena.f32(this.#bias, some)
          for (let i = 0; i < some; i++) norms[i]! /= 2
        }
      }
      arena.kernels.nearTiles(
        this.#form,
        this.#queries,
        this.#stride,
        this.#places,
        places.length,
        this.#rows,
        this.#stride,
        some,
        table.dim,
        this.#bias,
        scaled ? this.#scales : 0,
        this.#positions,
        this.#heaps,
        this.#heapBytes,
        this.#scratch,
      )
    }
  }

  /** Positions of the rows that query `place` found, nearest first; valid until the next call, and only once. */
  take(place: number): Uint32Array {
    const ids = this.#sorted + this.#k * 4
    const count = this.#arena.kernels.heapSort(this.#heaps + place * this.#heapBytes, this.#sorted, ids)
    return this.#arena.u32(ids, count)
  }
}
