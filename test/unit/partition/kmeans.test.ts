import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { loadBuildKernels } from '../../../build/kernels/load-build.js'
import { Arena } from '../../../build/kernels/memory.js'
import { kMeans, nearnessBias } from '../../../build/partition/kmeans.js'

await loadBuildKernels()

const arena = Arena.create()
const WIDTH = 8

function withPoints<T>(values: Float32Array, use: (block: { address: number; count: number; width: number }) => T): T {
  const address = arena.allocate(values.byteLength)
  arena.f32(address, values.length).set(values)
  try {
    return use({ address, count: values.length / WIDTH, width: WIDTH })
  } finally {
    arena.free(address)
  }
}

function squared(a: Float32Array, i: number, b: Float32Array, j: number): number {
  let sum = 0
  for (let d = 0; d < WIDTH; d++) sum += (a[i * WIDTH + d]! - b[j * WIDTH + d]!) ** 2
  return sum
}

/** Mean squared distance of the points to their nearest centroid. */
function distortion(points: Float32Array, centroids: Float32Array): number {
  let sum = 0
  const count = points.length / WIDTH
  for (let i = 0; i < count; i++) {
    let least = Infinity
    for (let c = 0; c < centroids.length / WIDTH; c++) least = Math.min(least, squared(points, i, centroids, c))
    sum += least
  }
  return sum / count
}

function mixture(centres: number, count: number, seed: number): Float32Array {
  const rng = new Rng(seed)
  const middles = Float32Array.from({ length: centres * WIDTH }, () => rng.normal() * 20)
  return Float32Array.from({ length: count * WIDTH }, (_, i) => {
    const centre = Math.floor(i / WIDTH) % centres
    return middles[centre * WIDTH + (i % WIDTH)]! + rng.normal() * 0.5
  })
}

describe('k-means', () => {
  test('the nearer centroid has the larger inner product plus bias', () => {
    const rng = new Rng(1)
    const centroids = Float32Array.from({ length: 5 * WIDTH }, () => rng.normal() * 3)
    const bias = nearnessBias(centroids, WIDTH)
    const point = Float32Array.from({ length: WIDTH }, () => rng.normal() * 3)
    const norm = point.reduce((sum, value) => sum + value * value, 0)
    for (let c = 0; c < 5; c++) {
      let dot = bias[c]!
      for (let d = 0; d < WIDTH; d++) dot += point[d]! * centroids[c * WIDTH + d]!
      expect(norm - 2 * dot).toBeCloseTo(squared(point, 0, centroids, c), 3)
    }
  })

  test('each turn lowers the distortion, and the centroids are the means of their points', () => {
    const points = mixture(12, 1300, 2)
    const after = [0, 1, 2, 4, 12, 40].map((turns) =>
      distortion(
        points,
        withPoints(points, (block) => kMeans(arena, block, 20, turns, new Rng(3))),
      ),
    )
    after.forEach((value, i) => expect(value).toBeLessThanOrEqual((after[i - 1] ?? Infinity) * (1 + 1e-6)))
    expect(after.at(-1)!).toBeLessThan(after[0]! / 2)
    const centroids = withPoints(points, (block) => kMeans(arena, block, 20, 60, new Rng(3)))
    const sums = new Float64Array(20 * WIDTH)
    const counts = new Uint32Array(20)
    for (let i = 0; i < 1300; i++) {
      let best = 0
      for (let c = 1; c < 20; c++) if (squared(points, i, centroids, c) < squared(points, i, centroids, best)) best = c
      counts[best]!++
      for (let d = 0; d < WIDTH; d++) sums[best * WIDTH + d]! += points[i * WIDTH + d]!
    }
    centroids.forEach((value, i) => {
      const count = counts[Math.floor(i / WIDTH)]!
      expect(count).toBeGreaterThan(0)
      expect(sums[i]! / count).toBeCloseTo(value, 2)
    })
  })

  test('is a pure function of points, k, turns and seed', () => {
    const points = mixture(5, 700, 4)
    const run = (seed: number): Float32Array => withPoints(points, (block) => kMeans(arena, block, 9, 5, new Rng(seed)))
    expect(run(1)).toEqual(run(1))
    expect(run(1)).not.toEqual(run(2))
  })

  test('takes fewer points than clusters, identical points, and a single cluster', () => {
    const few = Float32Array.from({ length: 3 * WIDTH }, (_, i) => i)
    const centroids = withPoints(few, (block) => kMeans(arena, block, 7, 5, new Rng(1)))
    expect(centroids.length).toBe(7 * WIDTH)
    expect(distortion(few, centroids)).toBe(0)
    const same = new Float32Array(500 * WIDTH).fill(2)
    const equal = withPoints(same, (block) => kMeans(arena, block, 8, 5, new Rng(1)))
    expect(equal.every((value) => value === 2)).toBe(true)
    const points = mixture(3, 400, 5)
    const one = withPoints(points, (block) => kMeans(arena, block, 1, 3, new Rng(1)))
    for (let d = 0; d < WIDTH; d++) {
      const mean = points.filter((_, i) => i % WIDTH === d).reduce((sum, value) => sum + value, 0) / 400
      expect(one[d]!).toBeCloseTo(mean, 3)
    }
  })
})
