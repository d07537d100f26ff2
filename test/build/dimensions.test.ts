import { describe, expect, test } from '@jest/globals'
import { BatlIndex, exactSearch, type Metric } from '../../build/index.js'
import { Rng } from '../../build/base/rng.js'

/** Just enough for a tree: these builds are long. */
const SIZE = 4200
const QUERIES = 300
/** Dimensions in which a cluster's rows differ. */
const INNER = 16
const CLUSTERS = 40

/**
 * Rows [count * dim] of a seeded mixture: each near one of some centres, off it within a space of few dimensions that is
 * turned into all of them, with a little noise in each component.
 */
function mixture(count: number, dim: number, seed: number): Float32Array {
  const rng = new Rng(7, dim)
  const centres = Float32Array.from({ length: CLUSTERS * dim }, () => rng.normal())
  const basis = Float32Array.from({ length: INNER * dim }, () => rng.normal())
  const own = new Rng(seed, dim)
  const rows = new Float32Array(count * dim)
  for (let row = 0; row < count; row++) {
    const out = rows.subarray(row * dim, (row + 1) * dim)
    const centre = own.below(CLUSTERS) * dim
    for (let j = 0; j < dim; j++) out[j] = centres[centre + j]! + 0.05 * (own.uniform() - 0.5)
    for (let i = 0; i < INNER; i++) {
      const weight = own.normal() / 4
      for (let j = 0; j < dim; j++) out[j]! += weight * basis[i * dim + j]!
    }
  }
  return rows
}

// The longer the rows, the longer the build, and the less a metric changes of it.
describe.each<[number, Metric[]]>([
  [768, ['l2', 'ip', 'cosine']],
  [1536, ['l2', 'cosine']],
  [3072, ['cosine']],
])('%d components', (dim, metrics) => {
  const rows = mixture(SIZE, dim, 1)
  const queries = mixture(QUERIES, dim, 2)

  test.each(metrics)(
    'build, trained, and give the recall that is asked for under %s',
    async (metric) => {
      const index = await BatlIndex.build(rows, { dim, metric, leafSize: 60, trainer: 'wasm', threads: 2 })
      try {
        const stats = index.stats()
        expect(stats).toMatchObject({ size: SIZE, dim, metric, trainer: 'wasm' })
        expect(stats.leaves).toBeGreaterThan(50)
        const truth = await exactSearch(rows, queries, { dim, metric, threads: 2 })
        const groundTruth = { ids: truth.ids, k: 10 }
        for (const recall of [0.9, 0.95, 0.99]) {
          const found = await index.evaluate(queries, { recall, groundTruth })
          // 300 queries tell it to about .005.
          expect(found.recall).toBeGreaterThan(recall - 0.015)
          expect(found.candidatesPct).toBeLessThan(60)
        }
        const query = queries.subarray(0, dim)
        const { ids, distances } = index.search(query, { recall: 1 })
        expect(ids).toEqual(truth.ids.slice(0, 10))
        // Under cosine long rows are kept in steps of 10 bits.
        distances.forEach((distance, i) => {
          const exact = truth.distances[i]!
          expect(Math.abs(distance - exact)).toBeLessThan(metric === 'cosine' ? 1e-4 : 1e-4 * Math.abs(exact))
        })
      } finally {
        await index.close()
      }
    },
    300_000,
  )
})
