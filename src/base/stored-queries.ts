import { readRow, rowStride, type StoredType } from './matrix.js'

/**
 * Queries to learn from, where rows of an index are most of them: those as the index stores them, which takes less memory than
 * floats, then the others. Plain data, in memory that threads can share.
 */
export interface StoredQueries {
  /** [n * rowStride(type, dim)] */
  readonly bytes: Uint8Array
  readonly type: StoredType
  /** Whether the stored ones are to be of unit length. The others are as they are to be. */
  readonly unit: boolean
  /** f32 [m * dim] */
  readonly others: Float32Array
}

/** Queries as floats, one at a time. */
export class QueryRows {
  /** How many there are. */
  readonly count: number
  readonly #dim: number
  readonly #stored: StoredQueries | undefined
  readonly #storedCount: number
  readonly #others: Float32Array
  readonly #row: Float32Array

  constructor(queries: Float32Array | StoredQueries, dim: number) {
    const stored = ArrayBuffer.isView(queries) ? undefined : queries
    this.#dim = dim
    this.#stored = stored
    this.#storedCount = stored === undefined ? 0 : stored.bytes.length / rowStride(stored.type, dim)
    this.#others = stored === undefined ? (queries as Float32Array) : stored.others
    this.#row = new Float32Array(stored === undefined ? 0 : dim)
    this.count = this.#storedCount + this.#others.length / dim
  }

  /** Query `i`, [dim]: valid until the next one is asked for. */
  at(i: number): Float32Array {
    const dim = this.#dim
    if (i >= this.#storedCount) {
      const other = i - this.#storedCount
      return this.#others.subarray(other * dim, (other + 1) * dim)
    }
    const { bytes, type, unit } = this.#stored!
    readRow(bytes, i, type, dim, this.#row)
    if (unit) toUnit(this.#row)
    return this.#row
  }
}

/** Scale a vector to length 1 in place; one of zeros stays. */
export function toUnit(vector: Float32Array): void {
  let sum = 0
  for (let i = 0; i < vector.length; i++) sum += vector[i]! * vector[i]!
  const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0
  for (let i = 0; i < vector.length; i++) vector[i]! *= scale
}
