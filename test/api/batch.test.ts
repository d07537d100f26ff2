import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { BatlIndex, exactSearch, type IdArray } from '../../build/index.js'
import { seal } from '../../build/format/encode.js'
import { ROWS_OFFSET } from '../../build/format/layout.js'
import { loadGlove } from '../fixtures/load.js'
import { makeRegion } from '../format/make.js'
import { clusteredRows, failure, searchEach, settles, threadCount } from './support.js'

const glove = loadGlove()
const { dim } = glove

describe('a batch', () => {
  let index: BatlIndex<IdArray>
  let plain: BatlIndex
  beforeAll(async () => {
    const ids = Array.from({ length: 6000 }, (_, row) => `w${row}`)
    const options = { dim, metric: 'cosine', trainer: 'wasm' } as const
    index = (await BatlIndex.build(glove.rows.subarray(0, 6000 * dim), { ...options, ids })) as BatlIndex<IdArray>
    plain = await BatlIndex.build(glove.rows.subarray(0, 2000 * dim), options)
  })
  afterAll(() => Promise.all([index.close(), plain.close()]))

  test.each([1, 2, 3])('on %i threads equals the searches one by one', async (threads) => {
    for (const effort of [{}, { k: 3, recall: 0.7 }, { k: 25, probes: 2 }, { k: 7000, probes: 1 }]) {
      const queries = glove.queries.subarray(0, effort.k === 7000 ? 3 * dim : glove.queries.length)
      for (const searched of [index, plain] as BatlIndex<IdArray>[]) {
        const one = searchEach(searched, queries, effort)
        const batch = await searched.searchBatch(queries, { ...effort, threads })
        expect([...(batch.ids as Iterable<unknown>)]).toEqual(one.ids)
        expect([...batch.distances]).toEqual(one.distances)
        const k = Math.min(effort.k ?? 10, searched.size)
        expect([...batch.offsets]).toEqual(Array.from({ length: queries.length / dim + 1 }, (_, i) => i * k))
      }
    }
  })

  test('batches under way together do not disturb one another, nor a search between them', async () => {
    const [first, second] = [glove.queries.subarray(0, 100 * dim), glove.queries.subarray(100 * dim)]
    const wanted = [searchEach(index, first, { k: 4 }), searchEach(index, second, { k: 9 })]
    const under = [index.searchBatch(first, { k: 4 }), index.searchBatch(second, { k: 9, threads: 1 })]
    const between = searchEach(index, second.subarray(0, 5 * dim), { k: 9 })
    const batches = await Promise.all(under)
    batches.forEach(({ ids }, i) => expect([...(ids as Iterable<unknown>)]).toEqual(wanted[i]!.ids))
    expect(between.ids).toEqual(wanted[1]!.ids.slice(0, 45))
  })

  test.each([1, 3])(
    'with a query that has no direction is refused on %i threads, and the next is answered',
    async (threads) => {
      const bad = glove.queries.slice()
      bad.fill(0, 280 * dim, 281 * dim)
      expect(await failure(() => index.searchBatch(bad, { threads }))).toMatchObject({ code: 'BATL_INVALID_ARGUMENT' })
      const { ids } = await index.searchBatch(glove.queries, { threads })
      expect([...(ids as Iterable<unknown>)]).toEqual(searchEach(index, glove.queries, {}).ids)
    },
  )

  test('gives arrays of its own', async () => {
    const { ids, distances } = await plain.searchBatch(glove.queries.subarray(0, dim))
    expect(Object.prototype.toString.call(ids.buffer)).toBe('[object ArrayBuffer]')
    expect(Object.prototype.toString.call(distances.buffer)).toBe('[object ArrayBuffer]')
  })

  test('uses the threads of `open` when the call names none', async () => {
    const opened = await BatlIndex.fromBytes(index.toBytes(), { threads: 1 })
    expect(opened.stats().threads).toBe(1)
    const before = threadCount()
    await opened.searchBatch(glove.queries, { k: 1 })
    expect(threadCount() - before).toBeLessThanOrEqual(1)
    await opened.close()
    await expect(settles(() => threadCount() <= before)).resolves.toBe(true)
  })
})

describe('a long batch', () => {
  const queries = new Float32Array(3000 * 64)
  // So many that the fastest machine is still at work when the longest wait is over.
  const many = new Float32Array(60_000 * 64)
  let index: BatlIndex
  let small: BatlIndex
  beforeAll(async () => {
    const rows = clusteredRows(40_000, 64)
    const bytes = await makeRegion({ size: 40_000, dim: 64, rowType: 'f32', arities: [16, 16] })
    // The rows of a made index lie in the opposite order of their numbers; an exact search reads them all.
    const stored = new Float32Array(bytes.buffer, ROWS_OFFSET, rows.length)
    for (let row = 0; row < 40_000; row++) stored.set(rows.subarray(row * 64, (row + 1) * 64), (39_999 - row) * 64)
    await seal(bytes)
    index = await BatlIndex.fromBytes(bytes)
    small = await BatlIndex.build(rows.subarray(0, 4000 * 64), { dim: 64 })
    queries.set(rows.subarray(0, queries.length))
    for (let at = 0; at < many.length; at += queries.length) many.set(queries, at)
    // The threads start now, so that what follows is about searching.
    await index.searchBatch(queries.subarray(0, 64), { threads: 2 })
  })
  afterAll(() => Promise.all([index.close(), small.close()]))

  test.each([0, 5, 50, 200])(
    'aborted after %i ms rejects at once with the reason, and the index goes on',
    async (wait) => {
      const reason = new Error(`enough after ${wait}`)
      for (const [searched, effort] of [
        [index, { recall: 1 }],
        [index, { probes: 200 }],
        [small, { recall: 1 }],
      ] as const) {
        const controller = new AbortController()
        const all = { ...effort, k: 100, threads: 2, signal: controller.signal }
        const batch = failure(() => searched.searchBatch(many, all))
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
        const start = performance.now()
        controller.abort(reason)
        expect(await batch).toBe(reason)
        expect(performance.now() - start).toBeLessThan(500)
        const { ids } = await searched.searchBatch(queries.subarray(0, 128), { k: 1, recall: 1, threads: 2 })
        expect([...ids]).toEqual([0, 1])
      }
    },
  )

  test('that was aborted before it started never starts', async () => {
    const reason = { my: 'reason' }
    const signal = AbortSignal.abort(reason)
    expect(await failure(() => index.searchBatch(queries, { signal }))).toBe(reason)
    expect(await failure(() => exactSearch(queries, queries, { dim: 64, signal }))).toBe(reason)
  })

  test('an exact search is aborted too, and leaves no thread', async () => {
    const before = threadCount()
    const controller = new AbortController()
    const exact = failure(() => exactSearch(many, many, { dim: 64, threads: 2, signal: controller.signal }))
    await new Promise((resolve) => setTimeout(resolve, 150))
    controller.abort()
    expect(await exact).toMatchObject({ name: 'AbortError' })
    await expect(settles(() => threadCount() <= before)).resolves.toBe(true)
  })

  test('a query that is refused ends the batch with a typed error', async () => {
    const bad = queries.slice()
    bad[200 * 64 + 1] = Number.NaN
    expect(await failure(() => index.searchBatch(bad))).toMatchObject({
      code: 'BATL_INVALID_ARGUMENT',
      message: expect.stringContaining('query 200'),
    })
  })
})
