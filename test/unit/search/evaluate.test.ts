import { expect, test } from '@jest/globals'
import { viewSnapshot } from '../../../build/format/decode.js'
import { Arena } from '../../../build/kernels/memory.js'
import { evaluateSearch } from '../../../build/search/evaluate.js'
import { Searcher } from '../../../build/search/searcher.js'
import { finiteIn, makeRegion } from '../../format/make.js'

const EXACT = { probes: 0, beamWidth: 0, rerank: 0 }

test('recall counts answers within the k-th true distance, over k and the queries', async () => {
  const bytes = await makeRegion({ size: 50, dim: 3, rowType: 'u8', arities: [5] })
  const arena = Arena.create(bytes.length)
  const region = arena.u8(arena.allocate(bytes.length), bytes.length)
  region.set(bytes)
  const snapshot = await viewSnapshot(region, finiteIn(bytes))
  const searcher = new Searcher(arena, snapshot)
  const matrix = Float32Array.of(1, 4, 4, 1, 0, 9)
  const k = 6
  const positionOf = (row: number): number => snapshot.order.indexOf(row)
  const exact = [0, 1].map((q) => {
    const [ids, distances] = [new Uint32Array(20), new Float32Array(20)]
    searcher.search(matrix.subarray(q * 3, q * 3 + 3), 20, EXACT, ids, distances)
    return { ids: [...ids], distances: [...distances] }
  })
  let turns = 0
  const judge = async (rank: number): Promise<number> => {
    // As if the k-th true neighbour were the one of that rank.
    const positions = Uint32Array.from(
      exact.flatMap(({ ids }) => ids.slice(rank - k + 1, rank + 1)),
      positionOf,
    )
    const job = { matrix, k, effort: EXACT, truth: { positions, k } }
    return (await evaluateSearch(searcher, snapshot, job, () => void turns++)).recall
  }
  expect(await judge(k - 1)).toBe(1)
  expect(await judge(12)).toBe(1)
  const within = (rank: number): number =>
    exact.reduce((sum, { distances }) => sum + distances.slice(0, k).filter((d) => d <= distances[rank]!).length, 0)
  const shifted = Uint32Array.from(
    exact.flatMap(({ ids }) => new Array<number>(k).fill(ids[2]!)),
    positionOf,
  )
  const job = { matrix, k, effort: { probes: 5, beamWidth: 5, rerank: 50 }, truth: { positions: shifted, k } }
  const found = await evaluateSearch(searcher, snapshot, job, () => void turns++)
  expect(found.recall).toBeCloseTo(within(2) / (2 * k), 12)
  expect(found.recall).toBeLessThan(1)
  expect(found).toMatchObject({ candidatesPct: 100, probes: 5, rerank: 50 })
  // Once a query, and once each for those that only warm up.
  expect(turns).toBeGreaterThanOrEqual(6)
  // What the caller throws between two queries ends it.
  const closed = new Error('closed')
  await expect(
    evaluateSearch(searcher, snapshot, job, () => {
      throw closed
    }),
  ).rejects.toBe(closed)
})
