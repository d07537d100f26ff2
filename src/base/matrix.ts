import type { RowType } from './options.js'

/** Bytes of one component. */
export const COMPONENT_BYTES: Readonly<Record<RowType, number>> = { f32: 4, f16: 2, u8: 1, i8: 1 }

/** Row types by their code in kernels and files. */
export const ROW_TYPES: readonly RowType[] = ['f32', 'f16', 'u8', 'i8']

/** Bytes from one stored row to the next: rows start at multiples of 16 bytes and are padded with zeros. */
export function rowStride(type: RowType, dim: number): number {
  return (dim * COMPONENT_BYTES[type] + 15) & ~15
}
