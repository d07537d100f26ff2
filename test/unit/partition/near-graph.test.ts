import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { Neighbourhood, nearGraph } from '../../../build/partition/near-graph.js'
import { NO_ROW } from '../../../build/partition/points.js'

const SIZE = 90
const K = 5

/** Rows with random lists, some of them short or empty, and few rows that most lists name. */
const positions = new Rng(41).sample(SIZE, 70)
const rng = new Rng(42)
const lists = new Uint32Array(positions.length * K).fill(NO_ROW)
positions.forEach((self, i) => {
  const named = [...rng.sample(10, 3), ...rng.sample(SIZE - 10, K - 2).map((row) => row + 10)]
  lists.set(named.filter((row) => row !== self).slice(0, i % (K + 1)), i * K)
})
const graph = nearGraph(positions, lists, { k: K, size: SIZE })

const held = (list: Uint32Array): number[] => [...list].filter((row) => row !== NO_ROW)
const listOf = (row: number): number[] => {
  const i = positions.indexOf(row)
  return i < 0 ? [] : held(lists.subarray(i * K, (i + 1) * K))
}
const backOf = (row: number): number[] => held(graph.back.subarray(row * K, (row + 1) * K))

describe('a graph of near rows', () => {
  test('knows which rows name a row: all of them or, of too many, those that name it first', () => {
    let crowded = 0
    for (let row = 0; row < SIZE; row++) {
      const naming = [...positions].filter((other) => listOf(other).includes(row))
      const places = (rows: readonly number[]): number[] => rows.map((other) => listOf(other).indexOf(row))
      const found = backOf(row)
      expect(new Set(found).size).toBe(Math.min(K, naming.length))
      expect(naming).toEqual(expect.arrayContaining(found))
      const wanted = places(naming).sort((a, b) => a - b)
      expect(places(found)).toEqual(wanted.slice(0, K))
      if (naming.length > K) crowded++
    }
    expect(crowded).toBeGreaterThan(0)
  })

  test.each([
    ['a stored row', true],
    ['a query that is none', false],
  ])('gives what is near to the neighbours of %s, each once, the neighbours first', (_, stored) => {
    const neighbourhood = new Neighbourhood(graph)
    for (const self of positions) {
      const near = listOf(self)
      const own = Uint32Array.from({ length: K }, (_, j) => near[j] ?? NO_ROW)
      const found = [...neighbourhood.of(own, stored ? self : NO_ROW)]
      const wanted = new Set(near.flatMap((row) => [row, ...listOf(row), ...backOf(row)]))
      if (stored) {
        for (const row of backOf(self)) wanted.add(row)
        wanted.delete(self)
      }
      expect(found.slice(0, near.length)).toEqual(near)
      expect([...found].sort((a, b) => a - b)).toEqual([...wanted].sort((a, b) => a - b))
      expect(found.length).toBeLessThanOrEqual(Neighbourhood.most(K))
    }
  })
})
