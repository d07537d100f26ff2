import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { climb, fitLadder, ladderProbes, rankQuantile, type RankTable } from '../../../build/eval/ladder.js'

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

const costs = { reach: (beam: number) => Math.min(LEAVES, beam * 8), cost: (beam: number) => beam }

describe('the ladder of settings', () => {
  const table = makeTable([1, 2, 4, 8])
  const rungs = fitLadder(table, costs)

  test('climbs from one probe to all leaves, with beams that reach as many', () => {
    expect(rungs.map(({ probes }) => probes)).toEqual(ladderProbes(LEAVES))
    expect([rungs[0]!.probes, rungs.at(-1)!.probes]).toEqual([1, LEAVES])
    rungs.forEach(({ probes, beamWidth, recall }, i) => {
      expect(costs.reach(beamWidth)).toBeGreaterThanOrEqual(probes)
      expect(beamWidth).toBeGreaterThanOrEqual(rungs[i - 1]?.beamWidth ?? 1)
      recall.forEach((value, j) => expect(value).toBeGreaterThanOrEqual(rungs[i - 1]?.recall[j] ?? 0))
    })
    expect(rungs.at(-1)!.recall).toEqual([1, 1, 1])
  })

  test('promises a recall no higher than was measured', () => {
    for (const { probes, beamWidth, recall } of rungs.slice(0, -1)) {
      const beam = table.beamWidths.indexOf(beamWidth)
      for (const [j, k] of [1, 10, 100].entries()) {
        let found = 0
        for (let q = 0; q < QUERIES; q++) {
          for (let i = 0; i < k; i++) if (table.ranks[(beam * QUERIES + q) * K + i]! < probes) found++
        }
        expect(recall[j]!).toBeLessThanOrEqual(found / (QUERIES * k) + 1e-12)
        expect(recall[j]!).toBeGreaterThan(found / (QUERIES * k) - 0.06)
      }
    }
  })

  test('takes the cheapest beam that loses nothing', () => {
    // With a few probes a beam of one node, which reaches eight leaves, is as good as any.
    expect(rungs[0]!.beamWidth).toBe(1)
    expect(rungs.find(({ probes }) => probes > 8)!.beamWidth).toBeGreaterThan(1)
  })

  test('is climbed to the first rung that reaches a recall, the last where none does', () => {
    for (const k of [1, 10, 100]) {
      const column = [1, 10, 100].indexOf(k)
      for (const recall of [0.01, 0.3, 0.5, 0.8, 0.95, 0.99, 0.9999]) {
        const wanted = rungs.find((rung) => rung.recall[column]! >= recall)!
        expect(climb(rungs, recall, k)).toBe(wanted)
      }
    }
    expect(climb(rungs, 1.5, 10)).toBe(rungs.at(-1))
  })

  test('between the tuned numbers of neighbours the larger counts, beyond them the largest', () => {
    expect(climb(rungs, 0.9, 5)).toBe(climb(rungs, 0.9, 10))
    expect(climb(rungs, 0.9, 50)).toBe(climb(rungs, 0.9, 100))
    expect(climb(rungs, 0.9, 5000)).toBe(climb(rungs, 0.9, 100))
  })
})

test('numbers of probes grow by a tenth and stay few', () => {
  expect(ladderProbes(1)).toEqual([1])
  expect(ladderProbes(3)).toEqual([1, 2, 3])
  for (const leaves of [100, 8192, 250_000]) {
    const probes = ladderProbes(leaves)
    // A file holds at most 256 rungs.
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
