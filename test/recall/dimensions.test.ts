import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { BatlIndex, exactSearch, type Metric } from '../../build/index.js'
import { mixture } from '../../bench/harness/mixture.js'
import { sameBytes } from '../api/support.js'

/** Long vectors, which no shared set has: seeded mixtures near a space of few dimensions. More rows than are scanned exactly. */
const SIZE = 4500
const QUERIES = 200

describe.each<[number, Metric]>([
  [768, 'cosine'],
  [1536, 'l2'],
  [3072, 'ip'],
])('%i components under %s', (dim, metric) => {
  const rows = mixture({ size: SIZE, dim })
  const queries = mixture({ size: QUERIES, dim, stream: 1 })
  let index: BatlIndex
  let exact: { ids: Uint32Array; distances: Float32Array }
  beforeAll(async () => {
    index = await BatlIndex.build(rows, { dim, metric, trainer: 'wasm' })
    exact = await exactSearch(rows, queries, { dim, metric, k: 10 })
  })
  afterAll(() => index.close())

  test('is a trained tree', () => {
    expect(index.stats()).toMatchObject({ size: SIZE, dim, router: 'linear', trainer: 'wasm' })
    expect(index.stats().leaves).toBeGreaterThan(1)
  })

  test.each([0.9, 0.95, 0.99])('recall %d is given', async (recall) => {
    const truth = { ids: exact.ids, k: 10 }
    const found = await index.evaluate(queries, { recall, groundTruth: truth })
    // Two standard errors of 200 queries.
    expect(found.recall).toBeGreaterThan(recall - 2 * Math.sqrt((recall * (1 - recall)) / QUERIES))
    expect(found.candidatesPct).toBeLessThan(100)
  })

  test('every leaf and every row give the exact answer over the stored rows', async () => {
    const whole = await index.searchBatch(queries, { recall: 1 })
    const all = await index.searchBatch(queries, { probes: index.stats().leaves, rerank: SIZE })
    expect([...all.ids]).toEqual([...whole.ids])
    expect([...all.distances]).toEqual([...whole.distances])
    let same = 0
    for (let q = 0; q < QUERIES; q++) {
      const own = new Set(exact.ids.subarray(q * 10, q * 10 + 10))
      for (let i = 0; i < 10; i++) if (own.has(whole.ids[q * 10 + i]!)) same++
    }
    // Stored rows are rounded: a few neighbours at the border change places.
    expect(same).toBeGreaterThan(0.99 * QUERIES * 10)
  })

  test('an opened copy has the same bytes', async () => {
    const copy = await BatlIndex.fromBytes(index.toBytes())
    expect(sameBytes(copy.toBytes(), index.toBytes())).toBe(true)
    await copy.close()
  })
})
