import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { BatlIndex } from '../../build/index.js'
import { makeRegion } from '../format/make.js'
import { clusteredRows, failure } from './support.js'

const DIM = 300
const SIZE = 5000
/** Bytes of a row in 10-bit steps: five groups of 64 components, 80 bytes each. */
const STEP_BYTES = 400

/** Cosine distance in double precision. */
function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
  }
  return 1 - dot / Math.sqrt(aa * bb)
}

describe('long rows under cosine', () => {
  const rows = clusteredRows(SIZE, DIM) as Float32Array
  const queries = clusteredRows(20, DIM, 'f32', 2) as Float32Array
  let index: BatlIndex
  beforeAll(async () => {
    index = await BatlIndex.build(rows, { dim: DIM, metric: 'cosine', threads: 2 })
  }, 120_000)
  afterAll(() => index.close())

  test('are kept in steps of 10 bits, as estimated', () => {
    expect(index.stats().bytes.rows).toBe(SIZE * STEP_BYTES)
    const { total } = BatlIndex.estimate({ size: SIZE, dim: DIM, metric: 'cosine' })
    expect(Math.abs(total / index.size - index.stats().bytesPerVector)).toBeLessThan(0.1 * index.stats().bytesPerVector)
  })

  test('come back within half a step of what they were', () => {
    for (const number of [0, 1, 777, SIZE - 1]) {
      const row = rows.subarray(number * DIM, (number + 1) * DIM)
      const half = (Math.max(...row.map(Math.abs)) / 511) * 0.501
      index.get(number)!.forEach((value, i) => expect(Math.abs(value - row[i]!)).toBeLessThanOrEqual(half))
    }
  })

  test('are searched exactly as they are kept', () => {
    for (let q = 0; q < 20; q++) {
      const query = queries.subarray(q * DIM, (q + 1) * DIM)
      const all = Array.from({ length: SIZE }, (_, id) => ({ id, distance: cosine(query, index.get(id)!) }))
      all.sort((a, b) => a.distance - b.distance)
      const { ids, distances } = index.search(query, { recall: 1, k: 10 })
      distances.forEach((distance, i) => {
        expect(Math.abs(distance - all[i]!.distance)).toBeLessThan(1e-5)
        expect(Math.abs(cosine(query, index.get(ids[i]!)!) - distance)).toBeLessThan(1e-5)
      })
    }
  })

  test('answer the same after saving and opening', async () => {
    const opened = await BatlIndex.fromBytes(index.toBytes())
    const query = queries.subarray(0, DIM)
    expect(opened.search(query)).toEqual(index.search(query))
    expect(opened.get(5)).toEqual(index.get(5))
    await opened.close()
  })
})

test('other rows keep the type they come in, or the one asked for', async () => {
  const few = clusteredRows(300, DIM) as Float32Array
  const small = await BatlIndex.build(few, { dim: DIM, metric: 'cosine' })
  expect(small.get(7)).toEqual(few.slice(7 * DIM, 8 * DIM))
  await small.close()
  const halves = BatlIndex.estimate({ size: SIZE, dim: DIM, metric: 'cosine', storage: 'f16' })
  expect(halves.rows).toBe(SIZE * 608)
  expect(BatlIndex.estimate({ size: SIZE, dim: DIM, metric: 'l2' }).rows).toBe(SIZE * 1200)
  expect(BatlIndex.estimate({ size: SIZE, dim: 128, metric: 'cosine' }).rows).toBe(SIZE * 512)
})

test('a file of rows in steps under another metric is refused', async () => {
  const options = { rowType: 'i10', arities: [], rungs: 0, metric: 'l2' } as unknown as Parameters<typeof makeRegion>[0]
  expect(await failure(() => makeRegion(options))).toMatchObject({ code: 'BATL_FORMAT' })
})
