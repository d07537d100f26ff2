import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { trainCodebooks } from '../../../build/codes/codebooks.js'
import { loadBuildKernels } from '../../../build/kernels/load-build.js'
import { Arena } from '../../../build/kernels/memory.js'

await loadBuildKernels()

const arena = Arena.create()

/** The books of sub-vectors that lie side by side in longer vectors, two of each: the second book repeats the first. */
function trainCodebook(values: Float32Array, width: number, seed: number): Float32Array {
  const count = values.length / width
  const stride = 2 * width + 5
  const vectors = new Float32Array(count * stride).fill(NaN)
  for (let i = 0; i < count; i++) {
    const own = values.subarray(i * width, (i + 1) * width)
    vectors.set(own, i * stride + 3)
    vectors.set(own, i * stride + 3 + width)
  }
  const sample = { values: vectors, count, stride, first: 3, width, books: 2 }
  const books = trainCodebooks(arena, sample, () => new Rng(seed))
  expect(books.slice(16 * width)).toEqual(books.slice(0, 16 * width))
  return books.slice(0, 16 * width)
}

/** Centroids one after the other. */
function centroidsOf(book: Float32Array, width: number): number[][] {
  return Array.from({ length: 16 }, (_, c) => Array.from({ length: width }, (_value, j) => book[j * 16 + c]!))
}

/** Mean squared distance to the nearest centroid. */
function errorOf(values: Float32Array, width: number, book: Float32Array): number {
  const centroids = centroidsOf(book, width)
  let sum = 0
  for (let at = 0; at < values.length; at += width) {
    sum += Math.min(...centroids.map((c) => c.reduce((total, value, j) => total + (value - values[at + j]!) ** 2, 0)))
  }
  return (sum * width) / values.length
}

describe('a codebook', () => {
  test.each([1, 2, 3, 4, 7])('of %i components is finite and as good as is known', (width) => {
    const rng = new Rng(width)
    const values = Float32Array.from({ length: 4000 * width }, () => rng.normal())
    const book = trainCodebook(values, width, 9)
    expect(book.length).toBe(16 * width)
    expect(book.every(Number.isFinite)).toBe(true)
    expect(trainCodebook(values, width, 9)).toEqual(book)
    // The rate bound of 4 bits: 2^(-8 / width) of the variance of each component; scalar quantisation needs 1.5 to 2.7 of it.
    const error = errorOf(values, width, book) / width
    expect(error).toBeGreaterThan(2 ** (-8 / width))
    expect(error).toBeLessThan(2.8 * 2 ** (-8 / width))
  })

  test('finds sixteen groups that stand apart', () => {
    const rng = new Rng(1)
    const values = Float32Array.from({ length: 3200 * 2 }, (_, i) => {
      const group = (i >> 1) % 16
      return (i % 2 === 0 ? group % 4 : group >> 2) * 100 + rng.normal()
    })
    const found = centroidsOf(trainCodebook(values, 2, 4), 2).map(([x, y]) => [
      Math.round(x! / 100),
      Math.round(y! / 100),
    ])
    expect(new Set(found.map(String)).size).toBe(16)
  })

  test.each([
    ['one value alone', () => 5],
    ['zeros', () => 0],
    ['three values', (i: number) => i % 3],
  ] as const)('of %s is exact', (_, value) => {
    const values = Float32Array.from({ length: 300 }, (_value, i) => value(i))
    const book = trainCodebook(values, 1, 4)
    expect(book.every(Number.isFinite)).toBe(true)
    expect(errorOf(values, 1, book)).toBe(0)
  })

  test('of fewer vectors than centroids is finite and exact', () => {
    const values = Float32Array.of(1, 2, 3, 4)
    const book = trainCodebook(values, 2, 4)
    expect(book.every(Number.isFinite)).toBe(true)
    expect(errorOf(values, 2, book)).toBe(0)
  })
})
