import type { Rng } from '../base/rng.js'
import type { Arena } from '../kernels/memory.js'

/** Points scored against all centroids at a time. */
const BLOCK = 256

/** Points f32 [count * width] at an address of an arena. */
export interface PointBlock {
  readonly address: number
  readonly count: number
  readonly width: number
}

/** -|c|^2 / 2 of each centroid [k]: with it as bias, the larger inner product is the nearer centroid. */
export function nearnessBias(centroids: Float32Array, width: number): Float32Array {
  const bias = new Float32Array(centroids.length / width)
  for (let c = 0; c < bias.length; c++) {
    let sum = 0
    for (let j = c * width; j < (c + 1) * width; j++) sum += centroids[j]! * centroids[j]!
    bias[c] = -sum / 2
  }
  return bias
}

/**
 * Lloyd's k-means from randomly chosen points. A cluster that runs empty takes a point of the largest.
 * @returns centroids f32 [k * width].
 */
export function kMeans(arena: Arena, points: PointBlock, k: number, iterations: number, rng: Rng): Float32Array {
  const { address, count, width } = points
  const centroids = new Float32Array(k * width)
  const chosen = rng.sample(count, k)
  for (let c = 0; c < k; c++) {
    const at = address + chosen[c % chosen.length]! * width * 4
    centroids.set(arena.f32(at, width), c * width)
  }
  if (count <= k) return centroids
  const tables = arena.allocate(k * (width + 2) * 4 + BLOCK * (k + 1) * 4)
  const bias = tables + k * width * 4
  const prices = bias + k * 4
  const scores = prices + k * 4
  const choice = scores + BLOCK * k * 4
  const cluster = new Uint32Array(count)
  for (let iteration = 0; iteration < iterations; iteration++) {
    arena.f32(tables, k * width).set(centroids)
    arena.f32(bias, k).set(nearnessBias(centroids, width))
    arena.f32(prices, k).fill(0)
    for (let first = 0; first < count; first += BLOCK) {
      const some = Math.min(BLOCK, count - first)
      arena.kernels.dots(address + first * width * 4, width * 4, some, tables, width * 4, k, width, bias, 0, scores)
      arena.kernels.chooseLeaves(0, some, 0, scores, prices, k, choice)
      cluster.set(arena.u32(choice, some), first)
    }
    clusterMeans(arena, points, cluster, centroids)
  }
  arena.free(tables)
  return centroids
}

/** Move each centroid to the mean of its points; an empty one to a point of the largest cluster. */
function clusterMeans(
  arena: Arena,
  { address, width }: PointBlock,
  cluster: Uint32Array,
  centroids: Float32Array,
): void {
  const k = centroids.length / width
  const sumsAt = arena.allocate(k * width * 8)
  const sums = new Float64Array(arena.memory.buffer, sumsAt, k * width)
  const counts = new Uint32Array(k)
  for (let i = 0; i < cluster.length; i++) {
    const c = cluster[i]!
    counts[c]!++
    arena.kernels.addRows(address + i * width * 4, width * 4, 1, width, 1, sumsAt + c * width * 8)
  }
  for (let c = 0; c < k; c++) {
    if (counts[c]! > 0) {
      for (let j = 0; j < width; j++) centroids[c * width + j] = sums[c * width + j]! / counts[c]!
      continue
    }
    const largest = counts.indexOf(counts.reduce((most, n) => Math.max(most, n), 0))
    const member = cluster.indexOf(largest)
    centroids.set(arena.f32(address + member * width * 4, width), c * width)
    cluster[member] = c
    counts[largest]!--
    counts[c] = 1
  }
  arena.free(sumsAt)
}
