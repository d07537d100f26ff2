import { fromHalf } from './half.js'
import type { RowType } from './options.js'

/**
 * How rows are kept: as they come; or as `i10`: whole steps of -511 to 511 of each row's own largest component, 8 bits of a
 * step in one plane and the lowest 2 in another, since one scale a row in 8 bits alone would lose one true neighbour in sixty
 * (docs/codes.md); or not at all, where codes alone answer.
 */
export type StoredType = KeptType | 'none'
/** How rows that are kept are kept. */
export type KeptType = RowType | 'i10'

/** Bytes of one component. */
export const COMPONENT_BYTES: Readonly<Record<RowType, number>> = { f32: 4, f16: 2, u8: 1, i8: 1 }

/** Types in which rows come. */
export const ROW_TYPES: readonly RowType[] = ['f32', 'f16', 'u8', 'i8']
/** Types in which rows are kept, by their code in kernels and files. */
export const STORED_TYPES: readonly StoredType[] = [...ROW_TYPES, 'i10', 'none']

/** Codes of row types: their place in `STORED_TYPES`. */
export const TYPE_CODE: Readonly<Record<StoredType, number>> = { f32: 0, f16: 1, u8: 2, i8: 3, i10: 4, none: 5 }

/** Components of a group of `i10`: 64 bytes of high bits, then 16 bytes in which byte j holds those of j, j + 16, ... */
export const STEP_GROUP = 64
const GROUP_BYTES = 80

/** Components that a stored row has room for, `dim` of them and zeros. */
export function rowRoom(type: StoredType, dim: number): number {
  if (type === 'none') return 0
  return type === 'i10' ? Math.ceil(dim / STEP_GROUP) * STEP_GROUP : rowStride(type, dim) / COMPONENT_BYTES[type]
}

/** Bytes from one stored row to the next: rows start at multiples of 16 bytes and are padded with zeros. */
export function rowStride(type: StoredType, dim: number): number {
  if (type === 'none') return 0
  if (type === 'i10') return Math.ceil(dim / STEP_GROUP) * GROUP_BYTES
  return (dim * COMPONENT_BYTES[type] + 15) & ~15
}

/** Where component i of an `i10` row has its high byte; its low bits are bits 2 ((i >> 4) & 3) of byte `lowByte(i)`. */
function highByte(i: number): number {
  return (i >> 6) * GROUP_BYTES + (i & 63)
}

function lowByte(i: number): number {
  return (i >> 6) * GROUP_BYTES + STEP_GROUP + (i & 15)
}

/** Component i of an `i10` row that starts at byte `offset`, in steps. */
export function stepAt(bytes: Uint8Array, offset: number, i: number): number {
  const high = (bytes[offset + highByte(i)]! << 24) >> 24
  return (high << 2) | ((bytes[offset + lowByte(i)]! >> (2 * ((i >> 4) & 3))) & 3)
}

/**
 * A stored row as numbers; of `i10`, in steps, whose direction is the row's.
 * @param out - f32 [dim], which is returned.
 */
export function readRow(
  bytes: Uint8Array,
  position: number,
  type: StoredType,
  dim: number,
  out: Float32Array = new Float32Array(dim),
): Float32Array {
  const offset = position * rowStride(type, dim)
  const { buffer, byteOffset } = bytes
  if (type === 'f32') out.set(new Float32Array(buffer, byteOffset + offset, dim))
  else if (type === 'u8') out.set(bytes.subarray(offset, offset + dim))
  else if (type === 'i8') out.set(new Int8Array(buffer, byteOffset + offset, dim))
  else if (type === 'i10') for (let i = 0; i < dim; i++) out[i] = stepAt(bytes, offset, i)
  else {
    const halves = new Uint16Array(buffer, byteOffset + offset, dim)
    for (let i = 0; i < dim; i++) out[i] = fromHalf(halves[i]!)
  }
  return out
}
