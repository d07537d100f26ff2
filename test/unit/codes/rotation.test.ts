import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { covariancesOf, fitBlock, joinBlocks } from '../../../build/codes/rotation.js'
import {
  blockStride,
  codeShape,
  defaultCodeBytes,
  rotatedStride,
  rotationBlocks,
  rotationFloats,
  type CodeShape,
} from '../../../build/codes/shape.js'
import { loadBuildKernels } from '../../../build/kernels/load-build.js'
import { Arena } from '../../../build/kernels/memory.js'

await loadBuildKernels()

const byDefault = (dim: number): [dim: number, codeBytes: number] => [dim, defaultCodeBytes(dim, 'f32')]

const SHAPES: [dim: number, codeBytes: number][] = [
  byDefault(1),
  byDefault(2),
  byDefault(7),
  [10, 1],
  [33, 5],
  byDefault(100),
  byDefault(200),
  byDefault(300),
  byDefault(384),
  [300, 30],
]

/** Vectors whose components hang together, with variances that fall off; zeros after `dim`. */
function correlated(rng: Rng, shape: CodeShape, dim: number, count: number): Float32Array {
  const stride = rotatedStride(shape)
  const values = new Float32Array(count * stride)
  for (let i = 0; i < count; i++) {
    let before = 0
    for (let j = 0; j < dim; j++) {
      before = 0.9 * before + rng.normal()
      values[i * stride + j] = before * (1 + 3 / (1 + (j % 10)))
    }
  }
  return values
}

const arena = Arena.create()

/** The rotation of `count` vectors. */
async function fitRotation(values: Float32Array, count: number, shape: CodeShape): Promise<Float32Array | undefined> {
  const fitted = rotationBlocks(shape).map(async (block) =>
    fitBlock(covariancesOf(arena, shape, block, values, count), block, shape.width),
  )
  return joinBlocks(await Promise.all(fitted))
}

describe('blocks of a rotation', () => {
  test.each([...SHAPES, byDefault(768), byDefault(1536), byDefault(4096), [4097, 100], byDefault(65_536)] as [
    number,
    number,
  ][])('cover %i components once, in whole sub-codes and whole vectors: %i bytes', (dim, codeBytes) => {
    const shape = codeShape(dim, codeBytes)
    const blocks = rotationBlocks(shape)
    let end = 0
    for (const { first, size } of blocks) {
      expect([first, first % 4, first % shape.width]).toEqual([end, 0, 0])
      expect(size).toBeGreaterThan(0)
      expect(size).toBeLessThanOrEqual(256 + 4 * shape.width)
      end += size
    }
    expect(end).toBe(shape.dims)
    expect(shape.dims).toBeGreaterThanOrEqual(dim)
    expect(rotationFloats(shape)).toBe(blocks.reduce((sum, block) => sum + block.size * blockStride(block), 0))
    expect(Math.max(...blocks.map(({ size }) => size))).toBeLessThanOrEqual(
      Math.min(...blocks.map(({ size }) => size)) + 4 * shape.width,
    )
  })
})

describe('covariances', () => {
  test.each(SHAPES)('of %i components are sums of products, block by block: %i bytes', (dim, codeBytes) => {
    const shape = codeShape(dim, codeBytes)
    const stride = rotatedStride(shape)
    const count = 1100
    const rng = new Rng(dim)
    const values = new Float32Array(count * stride).map(() => rng.below(9) - 4)
    for (const block of rotationBlocks(shape)) {
      const { first, size } = block
      const expected = new Float64Array(size * size)
      for (let i = 0; i < count; i++) {
        const x = values.subarray(i * stride + first, i * stride + first + size)
        for (let r = 0; r < size; r++) for (let c = 0; c < size; c++) expected[r * size + c]! += x[r]! * x[c]!
      }
      expect(covariancesOf(arena, shape, block, values, count)).toEqual(expected)
    }
  })
})

describe('a rotation', () => {
  test.each(SHAPES)('of correlated vectors of %i components has orthonormal rows: %i bytes', async (dim, codeBytes) => {
    const shape = codeShape(dim, codeBytes)
    const values = correlated(new Rng(dim), shape, dim, 400)
    const rotation = await fitRotation(values, 400, shape)
    if (rotation === undefined) {
      // A block of one sub-code, and one of two that are alike, have nothing to gain.
      expect(shape.dims).toBeLessThan(4)
      return
    }
    expect(rotation.length).toBe(rotationFloats(shape))
    expect(rotation.every(Number.isFinite)).toBe(true)
    let at = 0
    for (const block of rotationBlocks(shape)) {
      const { size } = block
      const stride = blockStride(block)
      const row = (r: number): Float32Array => rotation.subarray(at + r * stride, at + (r + 1) * stride)
      let worst = 0
      for (let r = 0; r < size; r++) {
        expect(
          row(r)
            .subarray(size)
            .every((value) => value === 0),
        ).toBe(true)
        for (let s = 0; s <= r; s++) {
          const dot = row(r).reduce((sum, value, i) => sum + value * row(s)[i]!, 0)
          worst = Math.max(worst, Math.abs(dot - (r === s ? 1 : 0)))
        }
      }
      expect(worst).toBeLessThan(1e-5)
      at += size * stride
    }
  })

  test('gives each sub-code about the same product of variances', async () => {
    const shape = codeShape(40, 5)
    const count = 5000
    const values = correlated(new Rng(2), shape, 40, count)
    const stride = rotatedStride(shape)
    const rotation = (await fitRotation(values, count, shape))!
    const logs = Array.from({ length: shape.subs }, (_, m) => {
      let sum = 0
      for (let r = m * shape.width; r < (m + 1) * shape.width; r++) {
        let square = 0
        for (let i = 0; i < count; i++) {
          let x = 0
          for (let j = 0; j < 40; j++) x += rotation[r * 40 + j]! * values[i * stride + j]!
          square += x * x
        }
        sum += Math.log(square / count)
      }
      return sum / shape.width
    })
    expect(Math.max(...logs) - Math.min(...logs)).toBeLessThan(0.7)
  })

  test('is left out where it would gain nothing', async () => {
    const shape = codeShape(24, 6)
    const rng = new Rng(3)
    const noise = Float32Array.from({ length: 4000 * rotatedStride(shape) }, (_, i) =>
      i % rotatedStride(shape) < 24 ? rng.normal() : 0,
    )
    expect(await fitRotation(noise, 4000, shape)).toBeUndefined()
  })

  test('of vectors that are all zero is left out', async () => {
    const shape = codeShape(24, 6)
    expect(await fitRotation(new Float32Array(100 * rotatedStride(shape)), 100, shape)).toBeUndefined()
  })
})
