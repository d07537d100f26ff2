import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { viewSnapshot } from '../../../build/format/decode.js'
import { Arena } from '../../../build/kernels/memory.js'
import { Searcher } from '../../../build/search/searcher.js'
import type { SearchEffort, Snapshot } from '../../../build/tree/snapshot.js'
import { finiteIn, makeRegion } from '../../format/make.js'

const SIZE = 90
const EXACT: SearchEffort = { probes: 0, beamWidth: 0, rerank: 0 }
/** Every leaf, and every row found there. */
const ALL: SearchEffort = { probes: 12, beamWidth: 12, rerank: SIZE }
let arena: Arena
let snapshot: Snapshot
let searcher: Searcher

beforeEach(async () => {
  const bytes = await makeRegion({ size: SIZE, dim: 4, rowType: 'u8', arities: [3, 4], copies: 2, trees: 2 })
  arena = Arena.create(bytes.length)
  const region = arena.u8(arena.allocate(bytes.length), bytes.length)
  region.set(bytes)
  const finite = finiteIn(bytes)
  snapshot = await viewSnapshot(region, finite)
  searcher = new Searcher(arena, snapshot)
})
afterEach(() => searcher.close())

function search(k: number, effort: SearchEffort): { ids: number[]; distances: number[] } {
  const ids = new Uint32Array(k + 2).fill(777)
  const distances = new Float32Array(k + 2).fill(777)
  const count = searcher.search([1, 5, 5, 5], k, effort, ids, distances, 1)
  expect(count).toBe(k)
  // Nothing beside its own places is written.
  expect([ids[0], ids[k + 1], distances[0], distances[k + 1]]).toEqual([777, 777, 777, 777])
  return { ids: [...ids.subarray(1, k + 1)], distances: [...distances.subarray(1, k + 1)] }
}

describe('a search over leaves', () => {
  test('counts what it looks at: entries of visited leaves, copies each time; all rows in an exact scan', () => {
    search(3, ALL)
    expect(searcher.candidates).toBe(2 * 2 * SIZE)
    search(3, EXACT)
    expect(searcher.candidates).toBe(SIZE)
    search(3, { probes: 1, beamWidth: 1, rerank: 10 })
    // The 180 entries of a tree lie in leaves of 14 to 16.
    expect(searcher.candidates).toBeGreaterThanOrEqual(2 * 14)
    expect(searcher.candidates).toBeLessThanOrEqual(2 * 16)
    expect(searcher.nodesScored).toBe(2 * (3 + 4))
  })

  test('meets each row once, however many copies and trees hold it', () => {
    const { ids } = search(SIZE, ALL)
    expect(new Set(ids).size).toBe(SIZE)
    expect(search(SIZE, EXACT)).toEqual(search(SIZE, ALL))
  })

  test('goes on past its probes until it has k rows, and no further', () => {
    for (const k of [1, 20, 40, 60, 89]) {
      const { ids } = search(k, { probes: 1, beamWidth: 1, rerank: 10 })
      expect(new Set(ids).size).toBe(k)
    }
    search(10, { probes: 1, beamWidth: 1, rerank: 10 })
    const few = searcher.candidates
    search(60, { probes: 1, beamWidth: 1, rerank: 10 })
    expect(searcher.candidates).toBeGreaterThan(few)
    // One probe, then 2, 4 and at most 8.
    expect(searcher.candidates).toBeLessThanOrEqual((1 + 2 + 4 + 8) * 2 * 16)
  })

  test('computes as many distances as it is told to, each row once, and k at least', () => {
    // Two entries a row: 2 * rerank of the 180 entries of a tree, up to an eighth and four more where scores are equal.
    for (const [k, rerank] of [
      [1, 1],
      [5, 1],
      [5, 20],
      [30, 60],
    ] as const) {
      search(k, { ...ALL, rerank })
      const wanted = 2 * Math.max(k, rerank)
      expect(searcher.reranked).toBeGreaterThanOrEqual(wanted / 2)
      expect(searcher.reranked).toBeLessThanOrEqual(2 * (wanted + (wanted >> 3) + 4))
    }
    search(5, ALL)
    expect(searcher.reranked).toBe(SIZE)
  })

  test('gives the distance of any position with the bits of a search', () => {
    const { ids, distances } = search(SIZE, EXACT)
    const position = new Map([...snapshot.order].map((row, at) => [row, at]))
    ids.forEach((row, i) => expect(searcher.distance(position.get(row)!)).toBe(distances[i]))
  })

  test('forgets nothing and leaks nothing between searches of any k', () => {
    const wanted = search(5, { probes: 3, beamWidth: 3, rerank: 10 })
    const before = arena.memory.buffer.byteLength
    for (let i = 0; i < 300; i++)
      search(1 + (i % SIZE), { probes: 1 + (i % 12), beamWidth: 1 + (i % 3), rerank: 1 + (i % 100) })
    expect(search(5, { probes: 3, beamWidth: 3, rerank: 10 })).toEqual(wanted)
    expect(arena.memory.buffer.byteLength).toBe(before)
  })

  test('a query that is refused leaves the next search as it was', () => {
    const wanted = search(5, { probes: 2, beamWidth: 2, rerank: 10 })
    expect(() => searcher.search([1, NaN, 1, 1], 5, EXACT, new Uint32Array(5), new Float32Array(5))).toThrow(/NaN/)
    expect(search(5, { probes: 2, beamWidth: 2, rerank: 10 })).toEqual(wanted)
  })
})

test('two searchers share one memory', () => {
  const other = new Searcher(arena, snapshot)
  const [ids, distances] = [new Uint32Array(4), new Float32Array(4)]
  const mine = search(4, { probes: 2, beamWidth: 2, rerank: 10 })
  other.search([1, 0, 0, 0], 4, { probes: 2, beamWidth: 2, rerank: 10 }, ids, distances)
  expect(search(4, { probes: 2, beamWidth: 2, rerank: 10 })).toEqual(mine)
  expect([...ids]).not.toEqual(mine.ids)
  other.close()
})
