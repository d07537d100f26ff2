import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { climb, fitLadder } from '../../../build/eval/ladder.js'
import { NO_ENTRY } from '../../../build/eval/score-counts.js'
import { rankedEntries, type NearVisit, type TrialScores, type TrialTable } from '../../../build/eval/trial.js'
import { entriesOf, nearestRows, type SearchEffort } from '../../../build/tree/snapshot.js'

describe('rows that are far behind by code', () => {
  const queries = 200
  const k = 10
  const leafCount = 64
  const sizes = { size: 400, entryCount: 600 }
  const rng = new Rng(5)
  const scales = Float32Array.from({ length: queries }, () => 50 + 100 * rng.uniform())
  /** Every entry of each query, the best first: among hard queries many are about as good as the neighbours. */
  const scores = Array.from({ length: queries }, (_, q) => {
    const spread = q % 2 === 0 ? 4 : 40
    return Array.from({ length: sizes.entryCount }, (_, e) => Math.round((scales[q]! * e) / spread)).sort(
      (a, b) => a - b,
    )
  })
  /** Places of the neighbours in that order: codes are off by a little, whatever the query. */
  const places = scores.map((own, q) =>
    Array.from({ length: k }, (_, j) => {
      const off = own[j]! + Math.abs(rng.normal()) * scales[q]! * 0.4
      return Math.min(sizes.entryCount - 1, own.filter((score) => score < off).length)
    }),
  )
  const visit: NearVisit = {
    probes: 30,
    leafReach: 0,
    recall: [1, 1, 1],
    beams: [{ beamWidth: 4, beamReach: 0, kept: 4, recall: [1, 1, 1] }],
  }
  const ranked = rankedEntries([k], sizes)
  // The last query visits too few leaves for most settings.
  const seen = (q: number): number => (q === queries - 1 ? 30 : sizes.entryCount)
  const known: TrialScores = {
    ranks: ranked,
    least: Int16Array.from(
      scores.flatMap((own, q) => ranked.map((rank) => (rank <= seen(q) ? own[rank - 1]! : NO_ENTRY))),
    ),
    own: Int16Array.from(scores.flatMap((own, q) => places[q]!.map((place) => own[place]!))),
    scales,
  }
  const table: TrialTable = {
    visits: [visit],
    visited: [30],
    // As `countScores` counts: entries that score at least as well.
    ranks: Uint32Array.from(
      scores.flatMap((own, q) => places[q]!.map((place) => own.filter((score) => score <= own[place]!).length)),
    ),
    queries,
    k,
    ...sizes,
    reranked: true,
  }
  const cost = ({ rerank }: SearchEffort, compared: number): number => rerank / 4 + compared
  const plain = fitLadder(table, k, leafCount, cost).slice(0, -1)
  const near = fitLadder({ ...table, scores: known }, k, leafCount, cost).slice(0, -1)

  /** Entries that a search compares, and the share of the neighbours among them. */
  function searched({ rerank, rowReach }: SearchEffort): { entries: number[]; shares: number[] } {
    const wanted = entriesOf(rerank, sizes)
    const last = entriesOf(nearestRows(k, rerank), sizes)
    const entries = scores.map((own, q) => {
      const steps = Math.trunc(rowReach! * scales[q]!)
      const all = Math.min(wanted, seen(q))
      return steps > 0 && wanted < seen(q)
        ? own.slice(0, all).filter((score) => score <= own[last - 1]! + steps).length
        : all
    })
    const shares = scores.map((own, q) => {
      const bound = own[entries[q]! - 1]!
      return places[q]!.filter((_, j) => table.ranks[q * k + j]! <= wanted && own[places[q]![j]!]! <= bound).length / k
    })
    return { entries, shares }
  }
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

  test('are left out, and the recall that is promised is what that leaves', () => {
    expect(near.length).toBeGreaterThan(5)
    expect(near.some(({ rowReach }) => rowReach > 0)).toBe(true)
    expect(plain.every(({ rowReach }) => rowReach === 0)).toBe(true)
    for (const rung of near) {
      const { shares } = searched(rung)
      const found = mean(shares)
      const error = Math.sqrt(mean(shares.map((share) => (share - found) ** 2)) / queries)
      // Entries of the last query beyond those that it sees are none.
      expect(Math.abs(rung.recall - (found - error))).toBeLessThanOrEqual(1 / queries)
    }
  })

  test('are fewer to compare for the same recall', () => {
    for (const recall of [0.9, 0.95, 0.98]) {
      const [before, after] = [plain, near].map((rungs) => mean(searched(climb(rungs, recall, k)).entries)) as [
        number,
        number,
      ]
      expect(after).toBeLessThan(0.9 * before)
    }
  })

  test('are told by the scores of the entries that a setting asks for', () => {
    expect(ranked).toEqual([...new Set(ranked)].sort((a, b) => a - b))
    expect(ranked[0]).toBeGreaterThanOrEqual(1)
    for (const { rerank } of near) {
      for (const rank of [entriesOf(rerank, sizes), entriesOf(nearestRows(k, rerank), sizes)])
        expect(ranked).toContain(rank)
    }
  })
})
