import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { NO_LEAF } from '../../../build/partition/balance.js'
import { copyScores, costliestRows, type RowGeometry } from '../../../build/partition/copies.js'

const DIM = 6
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value - b[i]!)

/** SOAR's loss, as the paper writes it: |r'|^2 plus the squared length of r' along the residual of each holder. */
function plainLoss(x: readonly number[], centroid: readonly number[], holders: readonly (readonly number[])[]): number {
  const residual = minus(x, centroid)
  return holders.reduce(
    (loss, holder) => {
      const held = minus(x, holder)
      const size = dot(held, held)
      return size === 0 ? loss : loss + dot(held, residual) ** 2 / size
    },
    dot(residual, residual),
  )
}

describe('scores of leaves for a further copy', () => {
  test('are those of the plain formula, without the leaves that hold the row', () => {
    const rng = new Rng(1)
    const vector = (): number[] => Array.from({ length: DIM }, () => rng.normal())
    for (const holderCount of [0, 1, 2]) {
      const x = vector()
      const centroids = Array.from({ length: 9 }, vector)
      const holders = [3, 7].slice(0, holderCount)
      const leaves = Uint32Array.of(7, 2, 3, 8, 0, NO_LEAF, NO_LEAF)
      const list = [...leaves].filter((leaf) => leaf !== NO_LEAF)
      const geometry: RowGeometry = {
        norm: dot(x, x),
        holders: holders.map((leaf) => {
          const residual = minus(x, centroids[leaf]!)
          return {
            leaf,
            along: dot(residual, x),
            residual: dot(residual, residual),
            dots: Float32Array.from(list, (other) => dot(residual, centroids[other]!)),
          }
        }),
      }
      const nearness = Float32Array.from(
        list,
        (leaf) => dot(x, centroids[leaf]!) - dot(centroids[leaf]!, centroids[leaf]!) / 2,
      )
      const outLeaves = new Uint32Array(leaves.length)
      const outScores = new Float32Array(leaves.length)
      copyScores(leaves, nearness, geometry, outLeaves, outScores)
      const wanted = list.filter((leaf) => !holders.includes(leaf))
      expect([...outLeaves.subarray(0, wanted.length)]).toEqual(wanted)
      expect([...outLeaves.subarray(wanted.length)].every((leaf) => leaf === NO_LEAF)).toBe(true)
      const own = holders.map((leaf) => centroids[leaf]!)
      wanted.forEach((leaf, i) => expect(outScores[i]!).toBeCloseTo(-plainLoss(x, centroids[leaf]!, own), 4))
      expect([...outScores.subarray(wanted.length)].every((score) => score === -Infinity)).toBe(true)
    }
  })

  test('prefer, of two leaves as near, the one whose residual stands at right angles', () => {
    // x at the origin, held by a leaf to the east: one candidate to the north, one as far to the west.
    const geometry: RowGeometry = {
      norm: 0,
      holders: [{ leaf: 0, along: 0, residual: 1, dots: Float32Array.of(0, 1) }],
    }
    const outScores = new Float32Array(2)
    copyScores(Uint32Array.of(1, 2), Float32Array.of(-0.5, -0.5), geometry, new Uint32Array(2), outScores)
    expect([...outScores]).toEqual([-1, -2])
  })

  test('take a row that lies in its centroid', () => {
    const geometry: RowGeometry = {
      norm: 1,
      holders: [{ leaf: 0, along: 0, residual: 0, dots: Float32Array.of(0) }],
    }
    const outScores = new Float32Array(1)
    copyScores(Uint32Array.of(4), Float32Array.of(0.25), geometry, new Uint32Array(1), outScores)
    expect(outScores[0]).toBe(-0.5)
  })
})

describe('the rows that get one more copy', () => {
  test('are the costliest that may have one, ties by lower position, in ascending order', () => {
    const cost = Float32Array.of(1, 5, 3, 5, 2, 9)
    const held = Uint8Array.of(1, 1, 1, 2, 1, 3)
    expect([...costliestRows(cost, held, 0)]).toEqual([])
    expect([...costliestRows(cost, held, 1)]).toEqual([1])
    expect([...costliestRows(cost, held, 3)]).toEqual([1, 2, 3])
    expect([...costliestRows(cost, held, 99)]).toEqual([0, 1, 2, 3, 4])
    expect([...costliestRows(new Float32Array(5), new Uint8Array(5).fill(1), 2)]).toEqual([0, 1])
    expect([...costliestRows(new Float32Array(5), new Uint8Array(5).fill(3), 2)]).toEqual([])
  })

  test('are the same as by sorting all', () => {
    const rng = new Rng(2)
    const cost = Float32Array.from({ length: 1003 }, () => rng.below(40))
    const held = Uint8Array.from({ length: 1003 }, () => 1 + rng.below(3))
    const sorted = Array.from(cost.keys())
      .filter((row) => held[row]! < 3)
      .sort((a, b) => cost[b]! - cost[a]! || a - b)
    for (const count of [1, 17, 400]) {
      expect([...costliestRows(cost, held, count)]).toEqual(sorted.slice(0, count).sort((a, b) => a - b))
    }
  })
})
