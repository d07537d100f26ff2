import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { BatlIndex, exactSearch, type CapacityError } from '../../build/index.js'
import { clusteredRows, failure } from './support.js'

const DIM = 4
const rows = clusteredRows(4200, DIM) as Float32Array
let trained: BatlIndex

beforeAll(async () => {
  trained = await BatlIndex.build(rows, { dim: DIM, trainer: 'wasm' })
})

afterAll(async () => {
  await trained.close()
})

test('what does not fit 4 GiB is a CapacityError that says how many rows do', async () => {
  // Its pages are never touched: the length alone tells.
  const many = new Uint8Array(70_000_000 * 16)
  const error = await failure(() => BatlIndex.build(many, { dim: 16, storage: 'f32', copies: 3, leafSize: 4096 }))
  expect(error).toMatchObject({ code: 'BATL_CAPACITY', name: 'CapacityError', wanted: 70_000_000 })
  const { limit } = error as CapacityError
  expect(BatlIndex.estimate({ size: limit, dim: 16, copies: 3, leafSize: 4096 }).total).toBeLessThan(2 ** 32)
  expect(
    BatlIndex.estimate({ size: Math.ceil(limit * 1.1), dim: 16, copies: 3, leafSize: 4096 }).total,
  ).toBeGreaterThan(2 ** 32)
})

test('more answers than an array holds are a CapacityError', async () => {
  const queries = new Float32Array(300_000 * DIM).fill(1)
  for (const action of [
    () => trained.searchBatch(queries, { k: 4200 }),
    () => exactSearch(rows, queries, { dim: DIM, k: 4200 }),
  ]) {
    expect(await failure(action)).toMatchObject({ code: 'BATL_CAPACITY', wanted: 300_000 * 4200 })
  }
})
