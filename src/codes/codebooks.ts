import type { Rng } from '../base/rng.js'
import { CENTROIDS } from './shape.js'

const ITERATIONS = 8

/**
 * The 16 centroids of one sub-code, by k-means from a k-means++ start.
 * @param values - [count * width] sub-vectors.
 * @returns [width * 16]: the 16 values of one component together.
 */
export function trainCodebook(values: Float32Array, width: number, rng: Rng): Float32Array {
  const count = values.length / width
  const centroids = seedCentroids(values, width, rng)
  const sums = new Float64Array(CENTROIDS * width)
  const counts = new Uint32Array(CENTROIDS)
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    sums.fill(0)
    counts.fill(0)
    for (let i = 0; i < count; i++) {
      const nearest = nearestCentroid(values, i * width, centroids, width)
      counts[nearest]!++
      for (let j = 0; j < width; j++) sums[nearest * width + j]! += values[i * width + j]!
    }
    for (let c = 0; c < CENTROIDS; c++) {
      if (counts[c] === 0) continue
      for (let j = 0; j < width; j++) centroids[c * width + j] = sums[c * width + j]! / counts[c]!
    }
  }
  const book = new Float32Array(CENTROIDS * width)
  for (let c = 0; c < CENTROIDS; c++) {
    for (let j = 0; j < width; j++) book[j * CENTROIDS + c] = centroids[c * width + j]!
  }
  return book
}

function nearestCentroid(values: Float32Array, at: number, centroids: Float32Array, width: number): number {
  let best = 0
  let least = Infinity
  for (let c = 0; c < CENTROIDS; c++) {
    let sum = 0
    for (let j = 0; j < width; j++) {
      const difference = values[at + j]! - centroids[c * width + j]!
      sum += difference * difference
    }
    if (sum < least) {
      least = sum
      best = c
    }
  }
  return best
}

/** Each next centroid is a sub-vector drawn with a chance that grows with the squared distance to those before. */
function seedCentroids(values: Float32Array, width: number, rng: Rng): Float32Array {
  const count = values.length / width
  const centroids = new Float32Array(CENTROIDS * width)
  const distances = new Float64Array(count).fill(Infinity)
  let chosen = rng.below(count)
  for (let c = 0; c < CENTROIDS; c++) {
    for (let j = 0; j < width; j++) centroids[c * width + j] = values[chosen * width + j]!
    let total = 0
    for (let i = 0; i < count; i++) {
      let sum = 0
      for (let j = 0; j < width; j++) {
        const difference = values[i * width + j]! - centroids[c * width + j]!
        sum += difference * difference
      }
      if (sum < distances[i]!) distances[i] = sum
      total += distances[i]!
    }
    let left = rng.uniform() * total
    chosen = 0
    while (chosen < count - 1 && (left -= distances[chosen]!) > 0) chosen++
  }
  return centroids
}
