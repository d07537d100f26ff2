import { importLinearAlgebra } from '#linear-algebra'
import type { LinearAlgebra } from '../base/linear-algebra.js'
import type { Arena } from '../kernels/memory.js'
import { blockStride, rotatedStride, type CodeShape, type RotationBlock } from './shape.js'

/** A rotation is kept where it promises at least this share of the coding error less. */
const WORTHWHILE = 0.95
/** Residuals multiplied at a time: a few milliseconds for the largest block. */
const COVARIANCE_BLOCK = 1024

/**
 * Products of the components of a block, summed over `count` residuals f32 [count x rotatedStride]: as rows of one component
 * each, since these are what the kernel multiplies.
 * @returns [size * size].
 */
export function covariancesOf(
  arena: Arena,
  shape: CodeShape,
  { first, size }: RotationBlock,
  residuals: Float32Array,
  count: number,
): Float64Array {
  const stride = rotatedStride(shape)
  const sums = new Float64Array(size * size)
  // Not a power of two, or one place of all rows would always fall into the same few lines of a cache.
  const rowFloats = COVARIANCE_BLOCK + 16
  const rowBytes = rowFloats * 4
  const address = arena.allocate(size * rowBytes + size * size * 4)
  const products = address + size * rowBytes
  const rows = arena.f32(address, size * rowFloats)
  for (let done = 0; done < count; done += COVARIANCE_BLOCK) {
    const some = Math.min(COVARIANCE_BLOCK, count - done)
    if (some < COVARIANCE_BLOCK) rows.fill(0)
    for (let i = 0; i < some; i++) {
      const from = (done + i) * stride + first
      for (let j = 0; j < size; j++) rows[j * rowFloats + i] = residuals[from + j]!
    }
    arena.kernels.dots(address, rowBytes, size, address, rowBytes, size, COVARIANCE_BLOCK, 0, 0, products)
    const found = arena.f32(products, size * size)
    for (let i = 0; i < found.length; i++) sums[i]! += found[i]!
  }
  arena.free(address)
  return sums
}

/**
 * Expected error of coding Gaussian components with these covariances, up to a factor: the sum over the sub-codes of the
 * geometric mean of the variances along their principal axes.
 */
function expectedError(variances: readonly number[], width: number): number {
  let sum = 0
  for (let first = 0; first < variances.length; first += width) {
    let logs = 0
    for (let i = first; i < first + width; i++) logs += Math.log(Math.max(variances[i]!, 1e-30))
    sum += Math.exp(logs / width)
  }
  return sum
}

/**
 * Principal axes, dealt to the sub-codes so that each gets about the same product of variances: the largest free variance
 * goes to the sub-code with the smallest product that has room.
 * @see Ge et al., "Optimized Product Quantization", 2013, section 4 (parametric solution).
 * @returns for each component the eigenvector that it takes.
 */
function deal(variances: readonly number[], width: number): number[] {
  const subs = variances.length / width
  const order = variances.map((_, i) => i).sort((a, b) => variances[b]! - variances[a]! || a - b)
  const logs = new Float64Array(subs)
  const taken: number[][] = Array.from({ length: subs }, () => [])
  for (const axis of order) {
    let best = -1
    for (let s = 0; s < subs; s++) {
      if (taken[s]!.length === width) continue
      if (best < 0 || taken[s]!.length < taken[best]!.length) best = s
      else if (taken[s]!.length === taken[best]!.length && logs[s]! < logs[best]!) best = s
    }
    taken[best]!.push(axis)
    logs[best]! += Math.log(Math.max(variances[axis]!, 1e-30))
  }
  return taken.flat()
}

/** Variances of each sub-code's own principal axes, without a rotation across sub-codes. */
function ownVariances(
  { EigenvalueDecomposition, Matrix }: LinearAlgebra,
  covariance: Float64Array,
  { size }: RotationBlock,
  width: number,
): number[] {
  const own: number[] = []
  for (let first = 0; first < size; first += width) {
    const part = new Matrix(width, width)
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < width; j++) {
        part.set(i, j, covariance[(first + Math.max(i, j)) * size + first + Math.min(i, j)]!)
      }
    }
    own.push(...new EigenvalueDecomposition(part, { assumeSymmetric: true }).realEigenvalues)
  }
  return own
}

/** The rotation of one block. */
export interface FittedBlock {
  /** f32 [size * blockStride], row r being what component r becomes. */
  readonly matrix: Float32Array
  /** Expected errors of coding without it and with it. */
  readonly before: number
  readonly after: number
}

/** The rotation that a block's covariances [size * size] ask for. @param width - of a sub-code. */
export async function fitBlock(covariance: Float64Array, block: RotationBlock, width: number): Promise<FittedBlock> {
  const { size } = block
  const algebra = await importLinearAlgebra()
  const { EigenvalueDecomposition, Matrix } = algebra
  // The many small ones come first: from them a compiler learns all that the large one does.
  const own = ownVariances(algebra, covariance, block, width)
  const symmetric = new Matrix(size, size)
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) symmetric.set(i, j, covariance[Math.max(i, j) * size + Math.min(i, j)]!)
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true })
  const axes = deal(realEigenvalues, width)
  const stride = blockStride(block)
  const matrix = new Float32Array(size * stride)
  axes.forEach((axis, row) => {
    for (let j = 0; j < size; j++) matrix[row * stride + j] = eigenvectorMatrix.get(j, axis)
  })
  const dealt = axes.map((axis) => realEigenvalues[axis]!)
  return {
    matrix,
    before: expectedError(own, width),
    after: expectedError(dealt, width),
  }
}

/** The matrices of all blocks one after the other, or undefined where they would gain little. */
export function joinBlocks(fitted: readonly FittedBlock[]): Float32Array | undefined {
  const sum = (of: 'before' | 'after'): number => fitted.reduce((total, block) => total + block[of], 0)
  if (!(sum('after') < WORTHWHILE * sum('before'))) return undefined
  const out = new Float32Array(fitted.reduce((total, { matrix }) => total + matrix.length, 0))
  let at = 0
  for (const { matrix } of fitted) {
    out.set(matrix, at)
    at += matrix.length
  }
  return out
}
