import { rowStride, type StoredType } from './matrix.js'

/**
 * Queries to learn from, where rows of an index are most of them: those as the index stores them, which takes less memory than
 * floats, then the others. Plain data, in memory that threads can share.
 */
export interface StoredQueries {
  /** [n * rowStride(type, dim)] */
  readonly bytes: Uint8Array
  readonly type: StoredType
  /** Whether they are asked at unit length, whatever length they are kept at. */
  readonly unit: boolean
  /** f32 [rows * dim], and the numbers of those that are meant. */
  readonly others: Float32Array
  readonly otherRows: Uint32Array
}

/** How many queries there are. */
export function countQueries(queries: Float32Array | StoredQueries, dim: number): number {
  if (ArrayBuffer.isView(queries)) return queries.length / dim
  return queries.bytes.length / rowStride(queries.type, dim) + queries.otherRows.length
}

/** Scale a vector to length 1 in place; one of zeros stays. */
export function toUnit(vector: Float32Array): void {
  let sum = 0
  for (let i = 0; i < vector.length; i++) sum += vector[i]! * vector[i]!
  const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0
  for (let i = 0; i < vector.length; i++) vector[i]! *= scale
}
