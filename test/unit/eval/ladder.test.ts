import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import {
  climb,
  endOf,
  fitLadder,
  fitVisits,
  ladderProbes,
  manualEffort,
  rankQuantile,
  reachOf,
  tryVisits,
  type RankTable,
} from '../../../build/eval/ladder.js'
import type { NearVisit, TrialTable, Visit } from '../../../build/eval/trial.js'
import { treeShape } from '../../../build/tree/shape.js'
import { MAX_RUNGS, TUNED_K, type Rung, type SearchEffort, type SnapshotHeader } from '../../../build/tree/snapshot.js'

type Tuned = (typeof TUNED_K)[number]

const LEAVES = 64
const QUERIES = 400
const K = 100

/** Ranks that fall off with the neighbour's number; narrow beams never meet some. */
function makeTable(beamWidths: readonly number[], seed = 1): RankTable {
  const beams = beamWidths.map((beamWidth) => ({ beamWidth, beamReach: beamWidth / 4 }))
  const rng = new Rng(seed)
  const best = Uint32Array.from({ length: QUERIES * K }, (_, i) =>
    Math.min(LEAVES - 1, Math.floor(-Math.log(1 - rng.uniform()) * (2 + (i % K) / 20))),
  )
  const ranks = Uint32Array.from({ length: beamWidths.length * QUERIES * K }, (_, i) => {
    const beam = Math.floor(i / (QUERIES * K))
    const rank = best[i % (QUERIES * K)]!
    return rank >= beamWidths[beam]! * 8 ? LEAVES : rank
  })
  return { ranks, queries: QUERIES, k: K, beams, leafCount: LEAVES }
}

/** Share of the first k neighbours that a beam meets in its first leaves. */
function met({ ranks }: RankTable, beam: number, probes: number, k: number): number {
  let found = 0
  for (let q = 0; q < QUERIES; q++) {
    for (let i = 0; i < k; i++) if (ranks[(beam * QUERIES + q) * K + i]! < probes) found++
  }
  return found / (QUERIES * k)
}

const BELOW = 8
const reach = (beam: number): number => Math.min(LEAVES, beam * BELOW)
/** Beams keep two thirds of their width on average. */
const visitsOf = (table: RankTable): Visit[] =>
  fitVisits(
    table,
    table.beams.map(({ beamWidth }) => (beamWidth * 2) / 3),
    BELOW,
  )

describe('visits', () => {
  const table = makeTable([1, 2, 4, 8])
  const visits = visitsOf(table)

  test('climb from one probe to all leaves, with the beams that reach as many', () => {
    expect(visits.map(({ probes }) => probes)).toEqual(ladderProbes(LEAVES))
    for (const { probes, beams } of visits) {
      expect(beams.map(({ beamWidth }) => beamWidth)).toEqual([1, 2, 4, 8].filter((beam) => reach(beam) >= probes))
    }
    expect(visits.at(-1)).toMatchObject({ probes: LEAVES, recall: [1, 1, 1] })
  })

  test('say what each beam meets, the widest for all', () => {
    for (const { probes, beams, recall } of visits) {
      expect(beams.at(-1)!.recall).toEqual(recall)
      for (const beam of beams) {
        TUNED_K.forEach((k, i) => {
          expect(beam.recall[i]).toBeCloseTo(
            met(
              table,
              table.beams.findIndex(({ beamWidth }) => beamWidth === beam.beamWidth),
              probes,
              k,
            ),
            12,
          )
        })
      }
    }
  })

  test.each([[[1, 10]], [[100]], [[1]]])(
    'that are tried for %j begin where half are met for one, end where almost all are for each, and stand apart',
    (ks) => {
      const columns = ks.map((k) => [1, 10, 100].indexOf(k))
      const tried = tryVisits(visits, ks)
      expect(tried.length).toBeGreaterThan(5)
      expect(tried[0]).toBe(visits.find(({ recall }) => columns.some((column) => recall[column]! >= 0.5)))
      tried.slice(1).forEach(({ probes }, i) => expect(probes / tried[i]!.probes).toBeGreaterThanOrEqual(1.2))
      const least = (recall: readonly number[]): number => Math.min(...columns.map((column) => recall[column]!))
      const full = tried.filter(({ recall }) => least(recall) >= 0.9985)
      // Of a visit that ends early an average query sees three fifths: as many as the first that meets almost all.
      expect(tried.at(-1)!.probes).toBeGreaterThanOrEqual(Math.min(LEAVES / 1.2, full[0]!.probes / 0.6))
      full.slice(1, -1).forEach(({ probes }) => expect(probes).toBeLessThan(full[0]!.probes / 0.6))
    },
  )
})

const SIZE = 20_000
const ENTRIES = 30_000
/** What an average query visits of the most that it may. */
const SEEN = 0.7

/** Ranks by code that grow with the visit and the neighbour's number; some neighbours a visit does not meet. */
function makeTrial(given: readonly Visit[], seed = 3): TrialTable {
  const visits = given.map((visit) => ({ ...visit, leafReach: visit.probes / 2 }))
  const rng = new Rng(seed)
  const draws = Array.from({ length: QUERIES * K }, () => [rng.uniform(), rng.uniform()] as const)
  const ranks = Uint32Array.from({ length: visits.length * QUERIES * K }, (_, i) => {
    const [share, place] = draws[i % (QUERIES * K)]!
    const visit = visits[Math.floor(i / (QUERIES * K))]!
    if (share > visit.recall[0]!) return 0xffff_ffff
    return 1 + (i % K) + Math.floor(-Math.log(1 - place) * (8 + visit.probes / 8))
  })
  const visited = visits.map(({ probes }) => probes * SEEN)
  return { visits, visited, ranks, queries: QUERIES, k: K, size: SIZE, entryCount: ENTRIES, reranked: true }
}

describe('reaches', () => {
  test('end where an average query has kept three fifths, and leave nothing out where there is nothing to leave', () => {
    expect([1, 2, 5, 74].map(endOf)).toEqual([1, 1, 3, 44])
    expect([1, 2, 5, 74].map((most) => reachOf(most, 3))).toEqual([
      0,
      3,
      Math.fround(Math.sqrt(3) * 3),
      Math.fround(Math.sqrt(44) * 3),
    ])
    for (const gap of [Infinity, NaN, 3e38, 0]) expect(reachOf(74, gap)).toBe(0)
  })
})

describe('ladders of settings', () => {
  const table = makeTrial(tryVisits(visitsOf(makeTable([1, 2, 4, 8])), TUNED_K))
  const cost = ({ probes, beamWidth, rerank }: SearchEffort): number => probes * 20 + beamWidth + rerank
  /** What an average query with a setting costs. */
  const meanCost = ({ probes, beamWidth, rerank }: SearchEffort): number =>
    cost({ probes: probes * SEEN, beamWidth: (beamWidth * 2) / 3, rerank })
  const ladders = new Map(TUNED_K.map((k) => [k, fitLadder(table, k, LEAVES, cost)]))
  const ladder = (k: Tuned): readonly Rung[] => ladders.get(k)!
  const rungs = TUNED_K.flatMap((k) => [...ladder(k)])

  test('go from cheap to dear, each rung better than the one below', () => {
    expect(rungs.length).toBeLessThanOrEqual(MAX_RUNGS)
    for (const k of TUNED_K) {
      const own = ladder(k)
      expect(own.length).toBeGreaterThan(10)
      own.slice(1, -1).forEach((rung, i) => {
        expect(meanCost(rung)).toBeGreaterThan(meanCost(own[i]!))
        expect(rung.recall).toBeGreaterThan(own[i]!.recall)
      })
      own.forEach((rung) => expect([rung.k, rung.rerank >= k]).toEqual([k, true]))
      expect(own.at(-1)).toEqual({
        probes: LEAVES,
        beamWidth: LEAVES,
        rerank: SIZE,
        k,
        recall: 1,
        leafReach: 0,
        beamReach: 0,
        rowReach: 0,
      })
    }
  })

  /**
   * What a setting is known to reach: the share of the first k neighbours among as many entries as it reranks, less the
   * standard error of its mean and what a beam meets less than the widest.
   */
  const reached = (visit: NearVisit, beamWidth: number, rerank: number, k: Tuned): number => {
    const v = table.visits.indexOf(visit)
    const shares = Array.from({ length: QUERIES }, (_, q) => {
      const own = table.ranks.subarray((v * QUERIES + q) * K, (v * QUERIES + q) * K + k)
      return own.filter((rank) => rank <= Math.ceil((rerank * ENTRIES) / SIZE)).length / k
    })
    const mean = shares.reduce((sum, share) => sum + share, 0) / QUERIES
    const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / QUERIES
    const column = TUNED_K.indexOf(k)
    const beam = visit.beams.find((known) => known.beamWidth === beamWidth)!
    return mean - Math.sqrt(variance / QUERIES) - (visit.recall[column]! - beam.recall[column]!)
  }

  test('promise what was measured, less one standard error and what the beam loses', () => {
    for (const k of TUNED_K) {
      for (const { probes, beamWidth, rerank, recall, leafReach, beamReach } of ladder(k).slice(0, -1)) {
        const visit = table.visits.find((tried) => tried.probes === probes)!
        expect(recall).toBeCloseTo(Math.fround(Math.max(0, reached(visit, beamWidth, rerank, k))), 9)
        expect([leafReach, beamReach]).toEqual([visit.leafReach, beamWidth / 4])
      }
    }
  })

  test('take the cheapest of all settings that were tried', () => {
    for (const k of TUNED_K) {
      for (const recall of [0.6, 0.8, 0.9]) {
        const chosen = ladder(k).find((rung) => rung.recall >= recall)!
        for (const visit of table.visits) {
          for (let rerank: number = k; rerank < 100 * k; rerank = Math.ceil(rerank * 1.2)) {
            for (const { beamWidth } of visit.beams) {
              if (meanCost({ probes: visit.probes, beamWidth, rerank }) >= meanCost(chosen)) continue
              expect(reached(visit, beamWidth, rerank, k)).toBeLessThan(recall)
            }
          }
        }
      }
    }
  })

  test('are climbed to the first rung that reaches a recall, the last where none does', () => {
    for (const k of TUNED_K) {
      for (const recall of [0.01, 0.3, 0.5, 0.8, 0.95, 0.99, 0.9999]) {
        expect(climb(rungs, recall, k)).toBe(ladder(k).find((rung) => rung.recall >= recall))
      }
      expect(climb(rungs, 1.5, k)).toBe(ladder(k).at(-1))
    }
  })

  test('between the tuned numbers of neighbours the larger counts, beyond them the largest', () => {
    expect(climb(rungs, 0.8, 5)).toBe(climb(rungs, 0.8, 10))
    expect(climb(rungs, 0.8, 50)).toBe(climb(rungs, 0.8, 100))
    expect(climb(rungs, 0.8, 5000)).toBe(climb(rungs, 0.8, 100))
  })

  test('are no longer than a file can hold, and keep their ends', () => {
    const visits = Array.from({ length: 60 }, (_, v) => {
      const recall = [1 - 0.5 * 0.9 ** v, 1 - 0.6 * 0.9 ** v, 1 - 0.7 * 0.9 ** v]
      return { probes: v + 1, recall, beams: [{ beamWidth: v + 1, beamReach: 0, kept: v + 1, recall }] }
    })
    const trial = makeTrial(visits)
    const free = TUNED_K.map((k) => fitLadder(trial, k, LEAVES, ({ probes, rerank }) => probes + rerank / 1e6))
    expect(free.flat().length).toBeLessThanOrEqual(MAX_RUNGS)
    expect(Math.max(...free.map(({ length }) => length))).toBe(Math.floor(MAX_RUNGS / 3))
    for (const own of free) {
      expect(own.at(-1)).toMatchObject({ recall: 1, rerank: SIZE })
      expect(own[0]!.probes).toBe(1)
    }
  })

  test('tell a setting by hand which beam and how many rows are enough', () => {
    const header = { rungs, shape: treeShape([8, 8]), size: SIZE } as unknown as SnapshotHeader
    for (const k of TUNED_K) {
      for (const probes of [1, 2, 5, 11, 20]) {
        // Of the tuned settings that visit enough leaves, those that visit fewest; of them the one that reaches most.
        const enough = ladder(k).filter((rung) => rung.probes >= probes)
        const fewest = Math.min(...enough.map((rung) => rung.probes))
        const like = enough.filter((rung) => rung.probes === fewest).sort((a, b) => b.recall - a.recall)[0]!
        const effort = manualEffort(header, probes, undefined, k)
        expect(effort).toEqual({ probes, beamWidth: like.beamWidth, rerank: like.rerank })
        expect(manualEffort(header, probes, 7, k)).toEqual({ ...effort, rerank: 7 })
      }
      expect(manualEffort(header, 1e6, undefined, k)).toEqual({ probes: LEAVES, beamWidth: LEAVES, rerank: SIZE })
      expect(manualEffort(header, 3, 1e9, k).rerank).toBe(SIZE)
    }
    // A dear beam may come late in a ladder although it visits few leaves.
    const few = { probes: 4, beamWidth: 2, rerank: 10, k: 10, recall: 0.5, leafReach: 1, beamReach: 2, rowReach: 3 }
    const mixed = [
      few,
      { ...few, probes: 9, recall: 0.6 },
      { ...few, probes: 5, beamWidth: 8, rerank: 30, recall: 0.7 },
    ]
    const sorted = { ...header, rungs: mixed }
    expect(manualEffort(sorted, 5, undefined, 10)).toEqual({ probes: 5, beamWidth: 8, rerank: 30 })
    expect(manualEffort(sorted, 6, undefined, 10)).toEqual({ probes: 6, beamWidth: 2, rerank: 10 })
    const untuned = { ...header, rungs: [] }
    expect(manualEffort(untuned, 3, undefined, 7)).toEqual({ probes: 3, beamWidth: LEAVES, rerank: 70 })
  })
})

describe('ladders of an index without rows', () => {
  const visits = tryVisits(visitsOf(makeTable([1, 2, 4, 8])), TUNED_K, true)
  const rng = new Rng(9)
  /** Places among the answers: some neighbours are further down than the last, and a visit to more leaves loses a few. */
  const ranks = Uint32Array.from({ length: visits.length * QUERIES * K }, (_, i) => {
    const visit = visits[Math.floor(i / (QUERIES * K))]!
    const lost = visit.probes === LEAVES ? 0.45 : 0.4
    if (rng.uniform() > visit.recall[0]! || rng.uniform() < lost) return 0xffff_ffff
    return 1 + (i % K)
  })
  const near = visits.map((visit) => ({ ...visit, leafReach: 0 }))
  const visited = visits.map(({ probes }) => probes)
  const table = {
    visits: near,
    visited,
    ranks,
    queries: QUERIES,
    k: K,
    size: SIZE,
    entryCount: ENTRIES,
    reranked: false,
  }
  const cost = ({ probes, beamWidth }: SearchEffort): number => probes * 20 + beamWidth

  test('try a visit to every leaf, however little it gains', () => {
    expect(visits.at(-1)!.probes).toBe(LEAVES)
    expect(visits.filter(({ probes }) => probes === LEAVES)).toHaveLength(1)
  })

  test('promise what the answers held and no more, and end there', () => {
    for (const k of TUNED_K) {
      const own = fitLadder(table, k, LEAVES, cost)
      expect(own.length).toBeGreaterThan(1)
      for (const { probes, recall, rerank } of own) {
        expect(rerank).toBe(0)
        const v = visits.findIndex((visit) => visit.probes === probes)
        let hits = 0
        for (let q = 0; q < QUERIES; q++) {
          for (let j = 0; j < k; j++) if (ranks[(v * QUERIES + q) * K + j]! <= k) hits++
        }
        expect(recall).toBeLessThanOrEqual(hits / (QUERIES * k))
        expect(recall).toBeGreaterThan(hits / (QUERIES * k) - 0.15)
      }
      const last = own.at(-1)!
      expect(last.recall).toBeLessThan(0.65)
      expect(Math.max(...own.map(({ recall }) => recall))).toBe(last.recall)
      expect(climb(own, 0.9, k)).toBe(last)
    }
  })
})

test('numbers of probes grow by a tenth and stay few', () => {
  expect(ladderProbes(1)).toEqual([1])
  expect(ladderProbes(3)).toEqual([1, 2, 3])
  for (const leaves of [100, 8192, 250_000]) {
    const probes = ladderProbes(leaves)
    expect(probes.length).toBeLessThan(160)
    probes.forEach((value, i) => {
      if (i > 0) expect(value).toBeGreaterThan(probes[i - 1]!)
      if (i > 0 && value > 20 && value < leaves) expect(value / probes[i - 1]!).toBeLessThan(1.16)
    })
  }
})

describe('the rank below which a share of the neighbours lies', () => {
  test('is that of all neighbours counted together', () => {
    const table = makeTable([8])
    for (const k of [1, 10, 100]) {
      const all: number[] = []
      for (let q = 0; q < QUERIES; q++) for (let i = 0; i < k; i++) all.push(table.ranks[q * K + i]!)
      all.sort((a, b) => a - b)
      for (const recall of [0.5, 0.9, 0.95]) {
        const rank = rankQuantile(table, recall, k)
        expect(all.filter((value) => value <= rank).length / all.length).toBeGreaterThanOrEqual(recall)
        expect(all.filter((value) => value < rank).length / all.length).toBeLessThan(recall)
      }
    }
  })
})
