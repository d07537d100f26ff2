import { expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { NO_ENTRY, ScoreCounts } from '../../../build/eval/score-counts.js'

const RANKS = [1, 2, 7, 40, 41, 300]

test('the least scores of a set that grows are those of the sorted set', () => {
  const counts = new ScoreCounts(RANKS)
  const out = new Int16Array(RANKS.length)
  const makers: ((rng: Rng) => number)[] = [
    (rng) => rng.below(65_536) - 32_768,
    (rng) => Math.round(rng.normal() * 200),
    (rng) => rng.below(3),
    (rng) => (rng.below(3) === 0 ? rng.below(100) : NO_ENTRY),
    () => NO_ENTRY,
    () => -32_768,
    () => NO_ENTRY - 1,
  ]
  for (const [i, make] of makers.entries()) {
    const rng = new Rng(i)
    counts.clear()
    const all: number[] = []
    for (const added of [0, 5, 35, 16, 500, 0, 100]) {
      const scores = Int16Array.from({ length: added }, () => make(rng))
      counts.add(scores)
      all.push(...scores)
      counts.read(out)
      const sorted = all.filter((score) => score !== NO_ENTRY).sort((a, b) => a - b)
      expect([i, added, ...out]).toEqual([i, added, ...RANKS.map((rank) => sorted[rank - 1] ?? NO_ENTRY)])
    }
  }
})
