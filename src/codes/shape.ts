import type { StoredType } from '../base/matrix.js'

/**
 * How vectors are coded: `subs` sub-codes of 4 bits, two to a byte, each for `width` of the `dims` rotated components;
 * components beyond the vector's own are zero.
 */
export interface CodeShape {
  /** Bytes of a code: columns of a block. */
  readonly columns: number
  readonly subs: number
  readonly width: number
  readonly dims: number
}

/** Entries of a block; centroids of a sub-code. */
export const BLOCK = 16
export const CENTROIDS = 16
/** The largest value of a query's table: four of them fit a byte, and 520 sub-codes the 15 bits of a score. */
const TABLE_LEVELS = 63
const SCORE_MOST = 32_767

/** Components of a rotation, at most: it costs a query as many multiply-adds for each of its own. */
const ROTATION_MOST = 256

/**
 * Bytes of a code where none are asked for: enough for the true neighbours to be among the best hundred. Short vectors need
 * two components a sub-code for that, long ones do with four; u8 rows, which are descriptors rather than embeddings, do with
 * three (docs/codes.md).
 */
export function defaultCodeBytes(dim: number, rowType: StoredType): number {
  const width = dim > 320 ? 4 : dim > 192 || rowType === 'u8' ? 3 : 2
  return Math.ceil(dim / (2 * width))
}

/** The shape of codes of `columns` bytes for vectors of `dim` components. */
export function codeShape(dim: number, columns: number): CodeShape {
  const subs = 2 * columns
  const width = Math.ceil(dim / subs)
  return { columns, subs, width, dims: subs * width }
}

/** The most bytes a code may take: a sub-code for each component, and no more than a score can add up at one step each. */
export function mostCodeBytes(dim: number): number {
  return Math.min(Math.ceil(dim / 2), Math.floor(SCORE_MOST / 2))
}

/** The largest value that a query's tables may hold. */
export function tableLevels({ subs }: CodeShape): number {
  return Math.max(1, Math.min(TABLE_LEVELS, Math.floor(SCORE_MOST / subs)))
}

/** Floats from one rotated vector to the next. */
export function rotatedStride({ dims }: CodeShape): number {
  return (dims + 15) & ~15
}

/** Components [first, first + size) that are rotated among themselves: whole sub-codes and whole vectors of four. */
export interface RotationBlock {
  readonly first: number
  readonly size: number
}

/** The blocks of a rotation, the sizes as equal as they can be. */
export function rotationBlocks(shape: CodeShape): RotationBlock[] {
  const unit = shape.width * (shape.width % 4 === 0 ? 1 : shape.width % 2 === 0 ? 2 : 4)
  const units = Math.ceil(shape.dims / unit)
  const count = Math.ceil(shape.dims / ROTATION_MOST)
  const blocks: RotationBlock[] = []
  for (let b = 0; b < count; b++) {
    const first = Math.round((b * units) / count) * unit
    const end = Math.min(shape.dims, Math.round(((b + 1) * units) / count) * unit)
    blocks.push({ first, size: end - first })
  }
  return blocks
}

/** Floats of a row of a block's matrix: what a product of vectors of four reads. */
export function blockStride({ size }: RotationBlock): number {
  return (size + 3) & ~3
}

/** Floats of a rotation: each block's matrix, one after the other. */
export function rotationFloats(shape: CodeShape): number {
  return rotationBlocks(shape).reduce((sum, block) => sum + block.size * blockStride(block), 0)
}
