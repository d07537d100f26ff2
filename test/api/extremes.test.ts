import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { BatlIndex, exactSearch, type BatlError, type Metric } from '../../build/index.js'
import { Rng } from '../../build/base/rng.js'
import { makeRegion } from '../format/make.js'
import { clusteredRows } from './support.js'

/**
 * Input that is allowed but far from usual. No kernel may trap, loop or answer NaN, whatever the numbers are: what a
 * public call cannot do is a typed error, and what it can do is an answer.
 */
const METRICS = ['l2', 'ip', 'cosine'] as const
const F32_MAX = 3.4028234663852886e38

/** Every row once, nearest first, and no distance that is no number. */
function expectAnswer(found: { ids: Uint32Array; distances: Float32Array }, size: number): void {
  expect(new Set(found.ids).size).toBe(size)
  // Not one `expect` a distance: there are many.
  const wrong = found.distances.findIndex(
    (distance, i) => !(i === 0 ? !Number.isNaN(distance) : distance >= found.distances[i - 1]!),
  )
  expect(wrong).toBe(-1)
}

describe.each(METRICS)('numbers at the ends of f32 under %s', (metric) => {
  const values = [F32_MAX, -F32_MAX, 1e30, -1e30, 1, -1, 1e-30, 1e-45, -1e-45, 0]
  const rows = values.flatMap((a) => values.map((b) => [a, b, metric === 'cosine' ? 1e-3 : b, a]))

  test('are answered, or refused with a typed error', async () => {
    let index: BatlIndex
    try {
      index = await BatlIndex.build(rows, { metric })
    } catch (error) {
      // Only cosine needs a norm.
      expect([metric, (error as BatlError).code]).toEqual(['cosine', 'BATL_INVALID_ARGUMENT'])
      return
    }
    for (const query of rows.slice(0, 60)) {
      const found = index.search(query, { k: rows.length })
      expectAnswer(found, rows.length)
      expect(index.search(query, { k: 3 }).ids).toEqual(found.ids.slice(0, 3))
    }
    const batch = await exactSearch(rows, rows.slice(0, 10), { metric, k: 5, threads: 1 })
    rows.slice(0, 10).forEach((query, q) => {
      expect(index.search(query, { k: 5 }).ids).toEqual(batch.ids.slice(q * 5, q * 5 + 5))
    })
    await index.close()
  })

  test.each([1e-30, 1e12, 1e30])('a trained build of rows around %d works or says why not', async (scale) => {
    const wide = (clusteredRows(4200, 6) as Float32Array).map((value) => value * scale)
    let index: BatlIndex
    try {
      index = await BatlIndex.build(wide, { dim: 6, metric, trainer: 'wasm' })
    } catch (error) {
      expect((error as BatlError).code).toMatch(/^BATL_/)
      // Sums of squares of such numbers are beyond f32, or vanish in it.
      expect(scale === 1e30 || (scale === 1e-30 && metric === 'cosine')).toBe(true)
      return
    }
    expectAnswer(index.search(wide.subarray(0, 6), { k: 4200, recall: 0.5 }), 4200)
    expectAnswer(index.search(wide.subarray(6, 12), { k: 20, probes: 1 }), 20)
    await index.close()
  })
})

describe('shapes at the ends', () => {
  test.each([1, 3, 17])('rows of %i components, trained', async (dim) => {
    const rows = clusteredRows(4100, dim)
    await using index = await BatlIndex.build(rows, { dim, trainer: 'wasm', leafSize: 200 })
    const query = rows.subarray(0, dim)
    const { ids, distances } = await exactSearch(rows, query, { dim, k: 9 })
    expect(index.search(query, { k: 9, recall: 1 })).toEqual({ ids, distances })
  })

  test('rows of 65,536 components', async () => {
    const rng = new Rng(1)
    const rows = Float32Array.from({ length: 3 * 65_536 }, () => rng.normal())
    await using index = await BatlIndex.build(rows, { dim: 65_536, metric: 'cosine' })
    expect(index.search(rows.subarray(65_536, 131_072), { k: 1 }).ids[0]).toBe(1)
    expect(index.get(2)!.length).toBe(65_536)
  })

  test('two leaves, and more leaves than fit a level well', async () => {
    const rows = clusteredRows(5000, 4)
    for (const options of [{ leafSize: 5000 }, { leafSize: 2500, copies: 2, slack: 1 }, { leafSize: 4, copies: 1 }]) {
      await using index = await BatlIndex.build(rows, { dim: 4, trainer: 'wasm', ...options })
      const found = index.search(rows.subarray(0, 4), { k: 12, probes: index.stats().leaves })
      expect(found).toEqual(index.search(rows.subarray(0, 4), { k: 12, recall: 1 }))
      if (options.leafSize > 4) expect(index.stats().leaves).toBe(2)
    }
    await expect(BatlIndex.build(rows, { dim: 4, leafSize: 5000, copies: 2.5 })).rejects.toMatchObject({
      code: 'BATL_INVALID_ARGUMENT',
      argument: 'copies',
    })
  })
})

describe('any query and any k', () => {
  const cases: { metric: Metric; rowType: 'f32' | 'f16' | 'u8' | 'i8' }[] = [
    { metric: 'l2', rowType: 'u8' },
    { metric: 'ip', rowType: 'f16' },
    { metric: 'cosine', rowType: 'i8' },
    { metric: 'ip', rowType: 'f32' },
  ]
  const indexes: BatlIndex[] = []
  beforeAll(async () => {
    for (const [n, { metric, rowType }] of cases.entries()) {
      const options = { size: 333, dim: 5, metric, rowType, arities: [4, 5], copies: 1 + n / 2, rungs: 2 }
      indexes.push(await BatlIndex.fromBytes(await makeRegion(options)))
    }
  })
  afterAll(() => Promise.all(indexes.map((index) => index.close())))

  test.each(cases.map((given, n) => [given, n] as const))('give an answer: %o', (_, n) => {
    const index = indexes[n]!
    const rng = new Rng(n + 1)
    const sizes = [0, 1, -1, 255, -128, 0.5, 65_504, -70_000, 1e20, -F32_MAX, F32_MAX, 1e-45]
    for (let i = 0; i < 400; i++) {
      const query = Array.from(
        { length: 5 },
        () => sizes[rng.below(sizes.length)]! * (rng.below(2) === 0 ? 1 : rng.uniform()),
      )
      query[rng.below(5)] = 1
      const k = 1 + rng.below(400)
      const effort = i % 2 === 0 ? { probes: 1 + rng.below(40) } : { recall: Math.max(1e-9, rng.uniform()) }
      const found = index.search(query, { k, ...effort })
      expectAnswer(found, Math.min(k, 333))
    }
  })
})
