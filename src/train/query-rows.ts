import { align64 } from '../base/align.js'
import { rowStride, TYPE_CODE, type StoredType } from '../base/matrix.js'
import { countQueries, toUnit, type StoredQueries } from '../base/stored-queries.js'
import { Arena } from '../kernels/memory.js'
import { padded } from '../tree/router.js'

/** Queries read at a time, at most. */
const READ_BLOCK = 128
/** Whether f32 holds a squared length in full. */
function holds(squares: number): boolean {
  return squares > 1e-30 && squares < 1e30
}

let own: Arena | undefined

/** This thread's memory for blocks of queries. The kernels of building must have been loaded. */
function queryArena(): Arena {
  own ??= Arena.create()
  return own
}

/**
 * Queries to learn from, as floats in the memory of kernels, a block at a time.
 *
 *   memory   | rows f32 [READ_BLOCK * width] | a vector f32 [width] | factors f32 [READ_BLOCK] | rows as stored |
 */
export class QueryRows {
  /** How many there are. */
  readonly count: number
  /** Floats from one row to the next, zeros after the components. */
  readonly width: number
  readonly arena: Arena
  /** Of the rows that were read last. */
  readonly address: number
  readonly #dim: number
  readonly #type: StoredType
  readonly #stride: number
  readonly #stored: StoredQueries | undefined
  readonly #storedCount: number
  readonly #others: Float32Array
  readonly #otherRows: Uint32Array | undefined
  readonly #vector: number
  readonly #factors: number
  readonly #stage: number

  constructor(queries: Float32Array | StoredQueries, dim: number, arena = queryArena()) {
    const stored = ArrayBuffer.isView(queries) ? undefined : queries
    this.arena = arena
    this.width = padded(dim)
    this.#dim = dim
    this.#type = stored?.type ?? 'f32'
    this.#stride = rowStride(this.#type, dim)
    this.#stored = stored
    this.#storedCount = stored === undefined ? 0 : stored.bytes.length / this.#stride
    this.#others = stored === undefined ? (queries as Float32Array) : stored.others
    this.#otherRows = stored?.otherRows
    this.count = countQueries(queries, dim)
    const bytes = [READ_BLOCK * this.width, this.width, READ_BLOCK].map((floats) => align64(floats * 4))
    this.address = arena.allocate(bytes.reduce((sum, part) => sum + part, READ_BLOCK * this.#stride))
    this.#vector = this.address + bytes[0]!
    this.#factors = this.#vector + bytes[1]!
    this.#stage = this.#factors + bytes[2]!
  }

  /** Give the memory back. */
  close(): void {
    this.arena.free(this.address)
  }

  /**
   * Read some queries, at most `READ_BLOCK` of them.
   * @returns [ids.length * width], until the memory grows.
   */
  read(ids: Uint32Array): Float32Array {
    const { arena, width, address } = this
    const { bytes, unit = false } = this.#stored ?? {}
    const [stride, dim] = [this.#stride, this.#dim]
    if (bytes !== undefined) {
      const stage = arena.u8(this.#stage, ids.length * stride)
      ids.forEach((id, i) => {
        if (id < this.#storedCount) stage.set(bytes.subarray(id * stride, (id + 1) * stride), i * stride)
      })
      arena.kernels.widen(TYPE_CODE[this.#type], this.#stage, stride, ids.length, dim, address, width * 4)
    }
    const rows = arena.f32(address, ids.length * width)
    ids.forEach((id, i) => {
      const other = id - this.#storedCount
      if (other < 0) return
      const row = this.#otherRows?.[other] ?? other
      rows.set(this.#others.subarray(row * dim, (row + 1) * dim), i * width)
    })
    if (unit) this.#shorten(ids.length)
    return rows
  }

  /**
   * Read queries block by block: those of `ids`, or all.
   * @param use - gets the place of a block's first in `ids`, how many they are, and their rows as `read` returns them.
   */
  each(
    use: (first: number, count: number, values: Float32Array) => void,
    ids: Uint32Array = new Uint32Array(this.count).map((_, i) => i),
  ): void {
    for (let first = 0; first < ids.length; first += READ_BLOCK) {
      const own = ids.subarray(first, first + READ_BLOCK)
      use(first, own.length, this.read(own))
    }
  }

  /** Squared lengths of the first rows, in the place of the factors. */
  #squares(count: number): Float32Array {
    const { arena, width, address } = this
    arena.kernels.squaredNorms(TYPE_CODE.f32, address, width * 4, count, width, this.#factors)
    return arena.f32(this.#factors, count)
  }

  /** Scale the first rows to length 1; those of zeros stay. */
  #shorten(count: number): void {
    const { arena, width, address } = this
    const factors = this.#squares(count)
    for (let i = 0; i < count; i++) {
      const squares = factors[i]!
      if (!holds(squares)) toUnit(arena.f32(address + i * width * 4, width))
      factors[i] = holds(squares) ? 1 / Math.sqrt(squares) : 1
    }
    arena.kernels.scaleRows(address, width * 4, count, width, this.#factors)
  }

  /** Take a vector [dim] from the first rows that were read. */
  subtract(vector: Float32Array, count: number): void {
    this.arena.f32(this.#vector, this.#dim).set(vector)
    this.arena.kernels.shiftRows(this.address, this.width * 4, count, this.width, this.#vector)
  }

  /** Sum of the squared lengths of the first rows that were read, whatever their size. */
  sumOfSquares(count: number): number {
    const squares = this.#squares(count)
    const rows = this.arena.f32(this.address, count * this.width)
    let sum = 0
    for (let i = 0; i < count; i++) {
      if (holds(squares[i]!)) sum += squares[i]!
      else for (let j = i * this.width; j < (i + 1) * this.width; j++) sum += rows[j]! * rows[j]!
    }
    return sum
  }

  /** Multiply the first rows that were read by a factor. */
  multiply(factor: number, count: number): void {
    this.arena.f32(this.#factors, count).fill(factor)
    this.arena.kernels.scaleRows(this.address, this.width * 4, count, this.width, this.#factors)
  }
}
