import { align64 } from '../base/align.js'
import { DimensionMismatchError, InvalidArgumentError } from '../base/errors.js'
import { fromHalf } from '../base/half.js'
import type { StoredType } from '../base/matrix.js'
import type { Metric } from '../base/options.js'
import type { Arena } from '../kernels/memory.js'

/** Codes of metrics at the kernel boundary. */
export const METRIC_CODE: Readonly<Record<Metric, number>> = { l2: 0, ip: 1, cosine: 2 }

/** Which kernel form a query takes: f32 components, or whole numbers: its own that fit the rows' 8 bits, or steps of a unit. */
export const QUERY_FLOAT = 0
export const QUERY_INTEGER = 1
/** The largest component of a query in steps, against rows of 10-bit steps: a sixteenth of what these round. */
export const MOST_QUERY_STEP = 16_383

/**
 * A query in an arena, in the forms that the kernels read:
 * ```
 * | f32 [dim to 16] for distances | i16 [dim to 16] | their unit f32, to 16 bytes | f32 [dim to 16] for routing |
 * ```
 * Cosine: the first and last are the unit query. Inner product: the last is the unit query, since the order of the
 * answers does not depend on the query's length, so routing must not either.
 */
export class QueryBuffer {
  readonly #dim: number
  readonly #metric: Metric
  readonly #eightBit: readonly [number, number] | undefined
  /** Whether rows are of 10-bit steps. */
  readonly #steps: boolean
  readonly #arena: Arena
  #values!: Float32Array
  #integers!: Int16Array
  #routing!: Float32Array
  #unit!: Float32Array
  /** Address of the query for distances: its form is `kind`. */
  address: number
  kind = QUERY_FLOAT
  /** Euclidean length of the query. */
  length = 0
  /** Address of the query for routing. */
  readonly routing: number
  readonly #floatAddress: number
  readonly #integerAddress: number

  constructor(arena: Arena, shape: { dim: number; metric: Metric; rowType: StoredType }, scratch: number) {
    const { dim, metric, rowType } = shape
    const floats = (dim + 15) & ~15
    this.#dim = dim
    this.#metric = metric
    this.#eightBit = rowType === 'u8' ? [0, 255] : rowType === 'i8' ? [-128, 127] : undefined
    this.#steps = rowType === 'i10'
    this.#floatAddress = this.address = scratch
    this.#integerAddress = scratch + floats * 4
    this.routing = scratch + floats * 6 + 16
    this.#arena = arena
    this.#view()
    this.#values.fill(0)
    this.#integers.fill(0)
    this.#routing.fill(0)
  }

  /** Take the views, anew where the memory has grown since. */
  #view(): void {
    const arena = this.#arena
    if (this.#values?.buffer === arena.memory.buffer) return
    const floats = (this.#dim + 15) & ~15
    this.#values = arena.f32(this.#floatAddress, floats)
    this.#integers = arena.i16(this.#integerAddress, floats)
    this.#routing = arena.f32(this.routing, floats)
    this.#unit = arena.f32(this.routing - 16, 1)
  }

  /** Bytes of scratch, a multiple of 64. */
  static scratchBytes(dim: number): number {
    return align64(((dim + 15) & ~15) * 10 + 16)
  }

  /**
   * Take in a query.
   * @throws {DimensionMismatchError} when it has another length; {InvalidArgumentError} when a component is no finite
   * number, or, under cosine, all are zero.
   */
  load(query: ArrayLike<number>, what = 'the query'): void {
    if (typeof query !== 'object' || query === null || typeof query.length !== 'number') {
      throw new InvalidArgumentError(
        'query',
        `${what} is ${query === null ? 'null' : typeof query}, but an array of ${this.#dim} numbers is expected`,
      )
    }
    if (query.length !== this.#dim) throw new DimensionMismatchError(this.#dim, query.length, what)
    this.#view()
    const values = this.#values
    const dim = this.#dim
    // A Uint16Array holds f16 bits, here as in rows.
    const halves = (query as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] === 'Uint16Array'
    const components = halves ? Float32Array.from(query, fromHalf) : query
    let sum = 0
    for (let i = 0; i < dim; i++) {
      const value = components[i]!
      if (typeof value !== 'number' || !(Math.abs(value) <= 3.4028234663852886e38)) {
        throw new InvalidArgumentError(
          'query',
          `component ${i} of ${what} is ${String(value)}, but a finite number is expected`,
        )
      }
      values[i] = value
      sum += value * value
    }
    if (this.#metric === 'cosine' && sum === 0) {
      throw new InvalidArgumentError('query', `${what} is all zeros, which has no direction to compare under cosine`)
    }
    this.length = Math.sqrt(sum)
    const unit = sum > 0 ? 1 / this.length : 0
    this.kind = QUERY_FLOAT
    this.address = this.#floatAddress
    if (this.#metric === 'cosine') {
      for (let i = 0; i < dim; i++) values[i] = components[i]! * unit
      this.#routing.set(values)
      if (!this.#steps) return
      const { quantize } = this.#arena.kernels
      this.#unit[0] = quantize(this.#floatAddress, this.#dim, MOST_QUERY_STEP, this.#integerAddress)
      this.#useIntegers()
      return
    }
    if (this.#metric === 'l2') this.#routing.set(values)
    else for (let i = 0; i < dim; i++) this.#routing[i] = components[i]! * unit
    if (this.#eightBit !== undefined) this.#tryIntegers(this.#eightBit)
  }

  #useIntegers(): void {
    this.kind = QUERY_INTEGER
    this.address = this.#integerAddress
  }

  #tryIntegers([low, high]: readonly [number, number]): void {
    const values = this.#values
    for (let i = 0; i < this.#dim; i++) {
      const value = values[i]!
      if (value < low || value > high || (value | 0) !== value) return
      this.#integers[i] = value
    }
    this.#useIntegers()
  }
}
