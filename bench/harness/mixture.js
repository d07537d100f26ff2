// @ts-check
/** Vectors of many components that lie near a space of few, as embeddings do, for what the shared data does not reach. */
import { Rng } from '../../build/base/rng.js'

/** Dimensions of the space that the vectors lie near, and clusters in it. */
const INNER = 48
const CLUSTERS = 256
/** How far vectors stray from their cluster, and from the space, beside the clusters' own spread of 1. */
const SPREAD = 0.7
const NOISE = 0.03

/**
 * Seeded vectors f32 [size * dim]. Two calls that differ by `stream` alone draw from one mixture: rows, and queries like them.
 * @param {{ size: number, dim: number, seed?: number, stream?: number }} wanted
 */
export function mixture({ size, dim, seed = 1, stream = 0 }) {
  const shared = new Rng(seed, 1)
  // Dimensions of falling weight, so that some say more than others.
  const weights = Float32Array.from({ length: INNER }, (_, i) => 1 / Math.sqrt(1 + i / 6))
  const axes = Float32Array.from({ length: INNER * dim }, () => shared.normal() / Math.sqrt(INNER))
  const centres = Float32Array.from({ length: CLUSTERS * INNER }, () => shared.normal())
  const own = new Rng(seed, 2 + stream)
  const values = new Float32Array(size * dim)
  for (let row = 0; row < size; row++) {
    const vector = values.subarray(row * dim, (row + 1) * dim)
    const centre = own.below(CLUSTERS) * INNER
    weights.forEach((weight, i) => {
      const inner = weight * ((centres[centre + i] ?? 0) + SPREAD * own.normal())
      const axis = axes.subarray(i * dim, (i + 1) * dim)
      for (let j = 0; j < dim; j++) vector[j] = (vector[j] ?? 0) + inner * (axis[j] ?? 0)
    })
    for (let j = 0; j < dim; j++) vector[j] = (vector[j] ?? 0) + NOISE * own.normal()
  }
  return values
}
