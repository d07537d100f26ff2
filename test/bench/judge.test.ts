import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { exactSearch } from '../../build/index.js'

const folder = mkdtempSync(join(tmpdir(), 'batl-judge-'))
process.env['BATL_BENCH_CACHE'] = folder
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const { prepareSet, loadPrepared } = await import('../../bench/harness/data.js')
const { Judge } = await import('../../bench/harness/judge.js')

/** Rows on a line, each twice: every distance but 0 has ties. */
const ROWS = [0, 0, 1, 1, 2, 2, 3, 3]
const QUERIES = [0, 1.5]

function fbin(name: string, values: readonly number[]): void {
  const bytes = Buffer.alloc(8 + values.length * 4)
  bytes.writeUInt32LE(values.length, 0)
  bytes.writeUInt32LE(1, 4)
  values.forEach((value, i) => bytes.writeFloatLE(value, 8 + 4 * i))
  writeFileSync(join(folder, 'set', name), bytes)
}

describe('the judge of all engines', () => {
  test('counts ties, counts a row once, and no answer as a miss', async () => {
    const { mkdirSync } = await import('node:fs')
    mkdirSync(join(folder, 'set'), { recursive: true })
    fbin('base.fbin', ROWS)
    fbin('query.fbin', QUERIES)
    const set = await prepareSet(join(folder, 'set'), { metric: 'l2' })
    const judge = await Judge.of(set, 3)
    // Of the rows at distance 1 from query 0 either will do; of query 1, any three of the four at .25.
    expect(judge.recall([0, 1, 2, 2, 3, 4])).toBe(1)
    expect(judge.recall([0, 1, 3, 3, 4, 5])).toBe(1)
    expect(judge.recall([0, 0, 1, 2, 3, 4])).toBeCloseTo(5 / 6)
    expect(judge.recall([0, 1, -1, 2, 3, 4])).toBeCloseTo(5 / 6)
    expect(judge.recall([6, 7, 4, 0, 1, 6])).toBe(0)
  })

  test('a prefix of the fixture has the truth of the prefix, kept for the next run', async () => {
    const set = await prepareSet('fixture', { rows: 500 })
    expect(set).toMatchObject({ size: 500, metric: 'cosine', dim: 100 })
    const { base, queries, truth } = await loadPrepared(set)
    const { ids } = await exactSearch(base.rows, queries, { dim: 100, metric: 'cosine', type: 'i8', k: 100 })
    expect([...truth.ids]).toEqual([...ids])
    expect(await prepareSet('fixture', { rows: 500 })).toEqual(set)
    const judge = await Judge.of(set, 10)
    const answers = Int32Array.from({ length: set.queryCount * 10 }, (_, i) => {
      return truth.ids[Math.floor(i / 10) * truth.k + (i % 10)]!
    })
    expect(judge.recall(answers)).toBe(1)
  })
})
