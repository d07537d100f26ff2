import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { BatlIndex, exactSearch, type BuildOptions, type IdArray } from '../../build/index.js'
import { loadGlove } from '../fixtures/load.js'
import { clusteredRows } from './support.js'

const glove = loadGlove()
const { dim } = glove
const SIZE = 6000
const rows = glove.rows.subarray(0, SIZE * dim)

let index: BatlIndex
let named: BatlIndex<IdArray>
beforeAll(async () => {
  const options = { dim, metric: 'cosine', trainer: 'wasm', leafSize: 60 } as const
  const ids = Array.from({ length: SIZE }, (_, row) => `w${row}`)
  index = await BatlIndex.build(rows, options)
  named = (await BatlIndex.build(rows, { ...options, ids })) as BatlIndex<IdArray>
})
afterAll(() => Promise.all([index.close(), named.close()]))

describe('evaluate', () => {
  test('computes the truth itself, or takes it, by any kind of id', async () => {
    const truth = await exactSearch(rows, glove.queries, { dim, metric: 'cosine', k: 20 })
    const asked = { k: 10, probes: 9 }
    const own = await index.evaluate(glove.queries, asked)
    const given = await index.evaluate(glove.queries, { ...asked, groundTruth: { ids: truth.ids, k: 20 } })
    const names = [...truth.ids].map((row) => `w${row}`)
    const byName = await named.evaluate(glove.queries, { ...asked, groundTruth: { ids: names, k: 20 } })
    expect(given.recall).toBe(own.recall)
    expect(byName.recall).toBe(own.recall)

    // Recall and candidates, counted once more by hand.
    let hits = 0
    for (let q = 0; q < glove.queryCount; q++) {
      const { distances } = index.search(glove.queries.subarray(q * dim, (q + 1) * dim), asked)
      for (const distance of distances) if (distance <= truth.distances[q * 20 + 9]!) hits++
    }
    expect(own.recall).toBeCloseTo(hits / (10 * glove.queryCount), 12)
    expect(own.recall).toBeGreaterThan(0.5)
    expect(own.recall).toBeLessThan(1)
  })

  test('says what was asked and what it cost', async () => {
    const { bytesPerVector, leaves } = index.stats()
    const target = await index.evaluate(glove.queries, { k: 5, recall: 0.9 })
    expect(target).toEqual({
      k: 5,
      target: 0.9,
      recall: expect.any(Number),
      qps: expect.any(Number),
      p50Us: expect.any(Number),
      p99Us: expect.any(Number),
      candidatesPct: expect.any(Number),
      probes: expect.any(Number),
      rerank: expect.any(Number),
      bytesPerVector,
    })
    expect(target.p99Us).toBeGreaterThanOrEqual(target.p50Us)
    expect(target.p50Us).toBeGreaterThan(0)
    // Half of the queries are at least as slow as the median.
    expect(target.qps).toBeLessThanOrEqual(2e6 / target.p50Us)
    expect(await index.evaluate(glove.queries)).toMatchObject({ k: 10, target: 0.95 })
    const byHand = await index.evaluate(glove.queries, { probes: 7, rerank: 10 })
    expect(byHand).toMatchObject({ k: 10, probes: 7 })
    expect('target' in byHand).toBe(false)
    const all = await index.evaluate(glove.queries.subarray(0, 5 * dim), { probes: leaves })
    // Copies count each time.
    expect(all.candidatesPct).toBeCloseTo(150, 6)
    expect(await index.evaluate(glove.queries, { k: SIZE + 1, recall: 1 })).toMatchObject({ k: SIZE, recall: 1 })
  })

  test('is fair to ties: any answer as near as the k-th true neighbour is right', async () => {
    // Every row four times: which of the four is named must not matter.
    const distinct = clusteredRows(1100, 8, 'u8')
    const four = new Uint8Array(4 * distinct.length)
    for (let copy = 0; copy < 4; copy++) four.set(distinct, copy * distinct.length)
    const tied = await BatlIndex.build(four, { dim: 8, trainer: 'wasm' })
    const queries = distinct.subarray(0, 50 * 8)
    const others = Uint32Array.from({ length: 50 * 2 }, (_, i) => 1100 * (2 + (i % 2)) + Math.floor(i / 2))
    const truth = { groundTruth: { ids: others, k: 2 } }
    expect(await tied.evaluate(queries, { k: 2, recall: 1, ...truth })).toMatchObject({ recall: 1 })
    expect([...tied.search(queries.subarray(0, 8), { k: 2, recall: 1 }).ids]).toEqual([0, 1100])
    await tied.close()
  })
})

describe('stats', () => {
  test('describe the index', async () => {
    const stats = index.stats()
    expect(Object.keys(stats).sort()).toEqual(
      'arity bytes bytesPerVector depth dim largestLeaf leaves metric phaseSeconds router size storage threads trainer tuned'.split(
        ' ',
      ),
    )
    expect(stats).toMatchObject({ size: SIZE, dim, metric: 'cosine', router: 'linear', trainer: 'wasm' })
    expect(stats.leaves).toBe(100)
    expect([stats.depth, stats.arity]).toEqual([2, 10])
    expect(stats.largestLeaf).toBeGreaterThanOrEqual(1)
    expect(stats.largestLeaf).toBeLessThanOrEqual(1.2)
    expect(stats.threads).toBeGreaterThanOrEqual(1)
    const bytes = index.toBytes().length
    expect(Object.values(stats.bytes).reduce((sum, part) => sum + part, 0)).toBe(bytes)
    expect(stats.bytesPerVector).toBe(bytes / SIZE)
    expect(stats.bytes.rows).toBe(SIZE * 112)
    expect(stats.bytes.ids).toBe(0)
    expect(named.stats().bytes.ids).toBeGreaterThan(SIZE * 4)
  })

  test('tell the seconds of each phase of a build, and of no other index', async () => {
    const { phaseSeconds } = index.stats()
    expect(Object.keys(phaseSeconds!).sort()).toEqual(['encode', 'labels', 'partition', 'read', 'train', 'tune'])
    for (const seconds of Object.values(phaseSeconds!)) expect(seconds).toBeGreaterThan(0)
    const opened = await BatlIndex.fromBytes(index.toBytes())
    expect('phaseSeconds' in opened.stats()).toBe(false)
    await opened.close()
  })

  test('show settings that look at more for a higher recall', () => {
    const { tuned, leaves } = index.stats()
    for (const k of [1, 10, 100]) {
      const settings = tuned.filter((setting) => setting.k === k)
      expect(settings.length).toBeGreaterThan(3)
      expect(settings.at(-1)!.probes).toBeGreaterThan(settings[0]!.probes)
      settings.forEach(({ recall, probes, rerank }, i) => {
        expect(probes).toBeLessThanOrEqual(leaves)
        expect(rerank).toBeGreaterThanOrEqual(k)
        // More leaves or more distances, for not fewer of both.
        const before = settings[i - 1] ?? { probes: 1, rerank: 1 }
        expect(probes >= before.probes || rerank >= before.rerank).toBe(true)
        expect(recall).toBeGreaterThan(settings[i - 1]?.recall ?? 0)
      })
    }
  })
})

describe('estimate', () => {
  const cases: { size: number; dim: number; options: BuildOptions }[] = [
    { size: 1, dim: 1, options: {} },
    { size: 1000, dim: 7, options: { metric: 'cosine', storage: 'f16' } },
    { size: 4096, dim: 33, options: { type: 'u8' } },
    { size: 4097, dim: 12, options: { metric: 'ip', copies: 1 } },
    { size: 5000, dim: 20, options: { metric: 'cosine', copies: 3, leafSize: 20, arity: 7, storage: 'i8' } },
    { size: 5000, dim: 9, options: { router: 'residual', trees: 2, storage: 'f16' } },
    { size: 5000, dim: 30, options: { codeBytes: 3, copies: 2 } },
    { size: 450, dim: 6, options: { ids: Array.from({ length: 450 }, (_, row) => `${row}`.repeat(1 + (row % 5))) } },
    { size: 450, dim: 6, options: { ids: BigInt64Array.from({ length: 450 }, (_, row) => BigInt(row)) } },
  ]

  test.each(cases)('is within a tenth of what is then built: $size x $dim $options', async (given) => {
    const { size, options } = given
    const values = clusteredRows(size, given.dim, options.type ?? (options.storage === 'i8' ? 'i8' : 'f32'))
    const { total, buildPeak, ...bytes } = BatlIndex.estimate({ size, dim: given.dim, ...options })
    const built = await BatlIndex.build(values, { dim: given.dim, trainer: 'wasm', ...options })
    const stats = built.stats()
    for (const [part, wanted] of Object.entries(stats.bytes)) {
      expect([part, Math.abs(bytes[part as 'rows'] - wanted) <= wanted / 10]).toEqual([part, true])
    }
    expect(Math.abs(total / size - stats.bytesPerVector)).toBeLessThanOrEqual(stats.bytesPerVector / 10)
    expect(buildPeak).toBeGreaterThanOrEqual(total)
    await built.close()
  })

  test('grows with what is asked', () => {
    const base = { size: 1_000_000, dim: 128, type: 'u8' } as const
    const total = (options: BuildOptions): number => BatlIndex.estimate({ ...base, ...options }).total
    // An entry is its position, its code of four bits for three components, and its term.
    expect(total({ copies: 2 }) - total({ copies: 1 })).toBeCloseTo((4 + 22 + 2) * 1e6, -3)
    expect(total({ copies: 1, codeBytes: 16 }) - total({ copies: 1, codeBytes: 32 })).toBeCloseTo(-16e6, -3)
    const leaves = { copies: 1, leafSize: 73 }
    expect(total({ ...leaves, metric: 'ip' }) - total(leaves)).toBeCloseTo(-2e6, -3)
    expect(total({ storage: 'f32' }) - total({ codeBytes: 32 })).toBeCloseTo(128e6 * 3, -3)
    expect(total({ leafSize: 40 })).toBeGreaterThan(total({ leafSize: 400 }))
    expect(total({ trees: 2 })).toBeGreaterThan(total({ trees: 1 }))
  })
})
