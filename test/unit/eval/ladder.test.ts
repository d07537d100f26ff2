import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import {
  climb,
  fitLadders,
  fitVisits,
  ladderProbes,
  manualEffort,
  rankQuantile,
  tryVisits,
  type RankTable,
  type TrialTable,
  type Visit,
} from '../../../build/eval/ladder.js'
import { treeShape } from '../../../build/tree/shape.js'
import { MAX_RUNGS, TUNED_K, type SnapshotHeader } from '../../../build/tree/snapshot.js'

const LEAVES = 64
const QUERIES = 400
const K = 100

/** Ranks that fall off with the neighbour's number; narrow beams never meet some. */
function makeTable(beamWidths: readonly number[], seed = 1): RankTable {
  const rng = new Rng(seed)
  const best = Uint32Array.from({ length: QUERIES * K }, (_, i) =>
    Math.min(LEAVES - 1, Math.floor(-Math.log(1 - rng.uniform()) * (2 + (i % K) / 20))),
  )
  const ranks = Uint32Array.from({ length: beamWidths.length * QUERIES * K }, (_, i) => {
    const beam = Math.floor(i / (QUERIES * K))
    const rank = best[i % (QUERIES * K)]!
    return rank >= beamWidths[beam]! * 8 ? LEAVES : rank
  })
  return { ranks, queries: QUERIES, k: K, beamWidths, leafCount: LEAVES }
}

/** Share of the first k neighbours that a beam meets in its first leaves. */
function met({ ranks }: RankTable, beam: number, probes: number, k: number): number {
  let found = 0
  for (let q = 0; q < QUERIES; q++) {
    for (let i = 0; i < k; i++) if (ranks[(beam * QUERIES + q) * K + i]! < probes) found++
  }
  return found / (QUERIES * k)
}

const costs = { reach: (beam: number) => Math.min(LEAVES, beam * 8), cost: (beam: number) => beam }

describe('visits', () => {
  const table = makeTable([1, 2, 4, 8])
  const visits = fitVisits(table, costs)

  test('climb from one probe to all leaves, with beams that reach as many', () => {
    expect(visits.map(({ probes }) => probes)).toEqual(ladderProbes(LEAVES))
    visits.forEach(({ probes, beamWidth }, i) => {
      expect(costs.reach(beamWidth)).toBeGreaterThanOrEqual(probes)
      expect(beamWidth).toBeGreaterThanOrEqual(visits[i - 1]?.beamWidth ?? 1)
    })
    expect(visits.at(-1)).toEqual({ probes: LEAVES, beamWidth: 8, recall: [1, 1, 1] })
  })

  test('say what the widest beam meets, with the cheapest beam that meets as much', () => {
    for (const { probes, beamWidth, recall } of visits) {
      TUNED_K.forEach((k, i) => {
        expect(recall[i]).toBeCloseTo(met(table, 3, probes, k), 12)
        expect(met(table, table.beamWidths.indexOf(beamWidth), probes, k)).toBeGreaterThanOrEqual(recall[i]! - 0.0005)
      })
    }
    // With a few probes a beam of one node, which reaches eight leaves, is as good as any.
    expect(visits[0]!.beamWidth).toBe(1)
    expect(visits.find(({ probes }) => probes > 8)!.beamWidth).toBeGreaterThan(1)
  })

  test('that are tried begin where half of the nearest are met, end where almost all are, and stand apart', () => {
    const tried = tryVisits(visits)
    expect(tried.length).toBeGreaterThan(5)
    expect(tried[0]).toBe(visits.find(({ recall }) => recall[0]! >= 0.5))
    tried.slice(1).forEach(({ probes }, i) => expect(probes / tried[i]!.probes).toBeGreaterThanOrEqual(1.18))
    tried.slice(0, -1).forEach(({ recall }) => expect(Math.min(...recall)).toBeLessThan(0.9985))
    expect(Math.min(...tried.at(-1)!.recall)).toBeGreaterThan(0.99)
  })
})

const SIZE = 20_000
const ENTRIES = 30_000

/** Ranks by code that grow with the visit and the neighbour's number; some neighbours a visit does not meet. */
function makeTrial(visits: readonly Visit[], seed = 3): TrialTable {
  const rng = new Rng(seed)
  const draws = Array.from({ length: QUERIES * K }, () => [rng.uniform(), rng.uniform()] as const)
  const ranks = Uint32Array.from({ length: visits.length * QUERIES * K }, (_, i) => {
    const [share, place] = draws[i % (QUERIES * K)]!
    const visit = visits[Math.floor(i / (QUERIES * K))]!
    if (share > visit.recall[0]!) return 0xffff_ffff
    return 1 + (i % K) + Math.floor(-Math.log(1 - place) * (8 + visit.probes / 8))
  })
  return { visits, ranks, queries: QUERIES, k: K, size: SIZE, entryCount: ENTRIES }
}

describe('ladders of settings', () => {
  const table = makeTrial(tryVisits(fitVisits(makeTable([1, 2, 4, 8]), costs)))
  const cost = ({ probes }: { probes: number }, rerank: number): number => probes * 20 + rerank
  const rungs = fitLadders(table, LEAVES, cost)
  const ladder = (k: (typeof TUNED_K)[number]): typeof rungs => rungs.filter((rung) => rung.k === k)

  test('are one for each tuned k, from cheap to dear, each rung better than the one below', () => {
    expect(rungs.map(({ k }) => k)).toEqual([...rungs.map(({ k }) => k)].sort((a, b) => a - b))
    expect(rungs.length).toBeLessThanOrEqual(MAX_RUNGS)
    for (const k of TUNED_K) {
      const own = ladder(k)
      expect(own.length).toBeGreaterThan(10)
      own.slice(1, -1).forEach((rung, i) => {
        expect(cost(rung, rung.rerank)).toBeGreaterThan(cost(own[i]!, own[i]!.rerank))
        expect(rung.recall).toBeGreaterThan(own[i]!.recall)
      })
      own.forEach(({ rerank }) => expect(rerank).toBeGreaterThanOrEqual(k))
      expect(own.at(-1)).toEqual({ probes: LEAVES, beamWidth: LEAVES, rerank: SIZE, k, recall: 1 })
    }
  })

  /** Share of the first k neighbours among as many entries as a rung reranks, and the standard error of its mean. */
  const measured = (visit: number, rerank: number, k: number): [mean: number, error: number] => {
    const shares = Array.from({ length: QUERIES }, (_, q) => {
      const own = table.ranks.subarray((visit * QUERIES + q) * K, (visit * QUERIES + q) * K + k)
      return own.filter((rank) => rank <= Math.ceil((rerank * ENTRIES) / SIZE)).length / k
    })
    const mean = shares.reduce((sum, share) => sum + share, 0) / QUERIES
    const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / QUERIES
    return [mean, Math.sqrt(variance / QUERIES)]
  }

  test('promise what was measured, less one standard error', () => {
    for (const k of TUNED_K) {
      for (const { probes, rerank, recall } of ladder(k).slice(0, -1)) {
        const [mean, error] = measured(
          table.visits.findIndex((visit) => visit.probes === probes),
          rerank,
          k,
        )
        expect(recall).toBeCloseTo(mean - error, 9)
      }
    }
  })

  test('take the cheapest of all settings that were tried', () => {
    for (const k of TUNED_K) {
      for (const recall of [0.6, 0.8, 0.9]) {
        const chosen = ladder(k).find((rung) => rung.recall >= recall)!
        for (let v = 0; v < table.visits.length; v++) {
          for (let rerank: number = k; rerank < 100 * k; rerank = Math.ceil(rerank * 1.2)) {
            if (cost(table.visits[v]!, rerank) >= cost(chosen, chosen.rerank)) continue
            const [mean, error] = measured(v, rerank, k)
            expect(mean - error).toBeLessThan(recall)
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
    const visits = Array.from({ length: 60 }, (_, v) => ({
      probes: v + 1,
      beamWidth: v + 1,
      recall: [1 - 0.5 * 0.9 ** v, 1 - 0.6 * 0.9 ** v, 1 - 0.7 * 0.9 ** v],
    }))
    const trial = makeTrial(visits)
    const free = fitLadders(trial, LEAVES, (visit, rerank) => visit.probes + rerank / 1e6)
    expect(free.length).toBeLessThanOrEqual(MAX_RUNGS)
    const lengths = TUNED_K.map((k) => free.filter((rung) => rung.k === k).length)
    expect(Math.max(...lengths)).toBe(Math.floor(MAX_RUNGS / 3))
    for (const k of TUNED_K) {
      const own = free.filter((rung) => rung.k === k)
      expect(own.at(-1)).toMatchObject({ recall: 1, rerank: SIZE })
      expect(own[0]!.probes).toBe(1)
    }
  })

  test('tell a setting by hand which beam and how many rows are enough', () => {
    const header = { rungs, shape: treeShape([8, 8]), size: SIZE } as unknown as SnapshotHeader
    for (const k of TUNED_K) {
      for (const probes of [1, 2, 5, 11, 20]) {
        const like = ladder(k).find((rung) => rung.probes >= probes)!
        const effort = manualEffort(header, probes, undefined, k)
        expect(effort).toEqual({ probes, beamWidth: like.beamWidth, rerank: like.rerank })
        expect(manualEffort(header, probes, 7, k)).toEqual({ ...effort, rerank: 7 })
      }
      expect(manualEffort(header, 1e6, undefined, k)).toEqual({ probes: LEAVES, beamWidth: LEAVES, rerank: SIZE })
      expect(manualEffort(header, 3, 1e9, k).rerank).toBe(SIZE)
    }
    const untuned = { ...header, rungs: [] }
    expect(manualEffort(untuned, 3, undefined, 7)).toEqual({ probes: 3, beamWidth: LEAVES, rerank: 70 })
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
