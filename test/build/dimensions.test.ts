import { describe, expect, test } from '@jest/globals'
import { BatlIndex, exactSearch, type Metric } from '../../build/index.js'
import { mixture } from '../../bench/harness/mixture.js'

/** Just enough for a tree: these builds are long. */
const SIZE = 4200
const QUERIES = 300

// The longer the rows, the longer the build, and the less a metric changes of it.
describe.each<[number, Metric[]]>([
  [768, ['l2', 'ip', 'cosine']],
  [1536, ['l2', 'cosine']],
  [3072, ['cosine']],
])('%d components', (dim, metrics) => {
  const rows = mixture({ size: SIZE, dim })
  const queries = mixture({ size: QUERIES, dim, stream: 1 })

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
