import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { existsSync } from 'node:fs'
import { truncate, writeFile } from 'node:fs/promises'
import { BatlIndex, exactSearch, type CapacityError } from '../../build/index.js'
import { batl, errorLine } from '../cli/run.js'
import { clusteredRows, failure, temporaryFolder } from './support.js'

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

describe('a file of 1,000,000 x 1,536 floats', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let path: string
  beforeAll(async () => {
    folder = await temporaryFolder()
    path = folder.path('large.fbin')
    // A hole of 6 GB: only its length is real, so reading it would take minutes.
    await writeFile(path, Uint32Array.of(1_000_000, 1536))
    await truncate(path, 8 + 1_000_000 * 1536 * 4)
  })
  afterAll(() => folder.remove())

  test('is refused before it is read, with the largest count that fits', async () => {
    for (const metric of ['l2', 'ip'] as const) {
      const seen: unknown[] = []
      const error = await failure(() =>
        BatlIndex.build(path, { metric, onProgress: (progress) => seen.push(progress) }),
      )
      expect(error).toMatchObject({ code: 'BATL_CAPACITY', name: 'CapacityError', wanted: 1_000_000 })
      expect(seen).toEqual([])
      const { limit, message } = error as CapacityError
      expect(message).toContain(`at this shape ${limit} rows fit`)
      const total = (size: number): number => BatlIndex.estimate({ size, dim: 1536, metric }).total
      const most = 2 ** 32 - (64 << 20)
      expect(total(limit)).toBeLessThanOrEqual(most)
      expect(total(limit + 1)).toBeGreaterThan(most)
    }
  })

  test('is refused by the command line as well, which leaves no file', async () => {
    const out = folder.path('large.batl')
    const outcome = await batl(['build', path, '-o', out])
    expect(outcome.status).toBe(1)
    expect(errorLine(outcome)).toMatch(/1000000 rows of 1536 components need \d+ MiB, .* \d+ rows fit/)
    expect(existsSync(out)).toBe(false)
  })
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
