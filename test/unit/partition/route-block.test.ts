import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { loadBuildKernels } from '../../../build/kernels/load-build.js'
import { Arena } from '../../../build/kernels/memory.js'
import { NO_LEAF } from '../../../build/partition/balance.js'
import { blockRouter, nearnessRouter, RouteBlock, type FloatLevel } from '../../../build/partition/route-block.js'

await loadBuildKernels()

const arena = Arena.create()
const WIDTH = 8
const COUNT = 40

function makeLevel(rng: Rng, nodes: number): FloatLevel {
  return {
    rows: Float32Array.from({ length: nodes * WIDTH }, () => rng.normal()),
    bias: Float32Array.from({ length: nodes }, () => rng.normal()),
  }
}

function scoresOf({ rows, bias }: FloatLevel, query: Float32Array): number[] {
  return Array.from(bias, (sum, node) => {
    for (let j = 0; j < WIDTH; j++) sum += query[j]! * rows[node * WIDTH + j]!
    return sum
  })
}

const ranked = (scores: readonly number[]): number[] =>
  scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b)

describe.each([
  [1, 30, 1],
  [9, 5, 4],
  [9, 5, 9],
])('with %i nodes of %i leaves and a beam of %i', (nodeCount, arity, beam) => {
  const rng = new Rng(21)
  const nodes = nodeCount === 1 ? undefined : makeLevel(rng, nodeCount)
  const leaves = makeLevel(rng, nodeCount * arity)
  const queries = Float32Array.from({ length: COUNT * WIDTH }, () => rng.normal())
  const wanted = 7
  const router = blockRouter(nodes === undefined ? [leaves] : [nodes, leaves], WIDTH)
  const block = new RouteBlock(arena, router, COUNT, beam, wanted)
  block.load(queries)
  /** Leaves under the nodes that query i keeps, best first. */
  const lookedAt = (i: number): number[] => {
    const query = queries.subarray(i * WIDTH, (i + 1) * WIDTH)
    const kept = nodes === undefined ? [0] : ranked(scoresOf(nodes, query)).slice(0, beam)
    return ranked(scoresOf(leaves, query)).filter((leaf) => kept.includes(Math.floor(leaf / arity)))
  }

  test('queries visit the best leaves of their nodes', () => {
    const { offsets, queries: visitors } = block.visitors()
    const visits = Array.from({ length: COUNT }, () => new Set<number>())
    for (let leaf = 0; leaf + 1 < offsets.length; leaf++) {
      for (const query of visitors.subarray(offsets[leaf]!, offsets[leaf + 1]!)) visits[query]!.add(leaf)
    }
    visits.forEach((visited, i) => {
      const order = lookedAt(i)
      expect(visited.size).toBeGreaterThanOrEqual(Math.min(wanted, order.length))
      expect(visited.size).toBeLessThanOrEqual(8)
      expect([...visited].sort((a, b) => a - b)).toEqual(order.slice(0, visited.size).sort((a, b) => a - b))
    })
  })

  test.each([
    [6, 7],
    [3, 3],
  ])('short lists hold the best leaves of their nodes, %i to %i of them, with their scores', (least, length) => {
    const { leaves: listed, scores } = block.shorten(least, length)
    for (let i = 0; i < COUNT; i++) {
      const order = lookedAt(i)
      const own = [...listed.subarray(i * length, (i + 1) * length)]
      const end = own.indexOf(NO_LEAF) < 0 ? length : own.indexOf(NO_LEAF)
      expect(end).toBeGreaterThanOrEqual(Math.min(least, order.length))
      expect(own.slice(0, end).sort((a, b) => a - b)).toEqual(order.slice(0, end).sort((a, b) => a - b))
      const all = scoresOf(leaves, queries.subarray(i * WIDTH, (i + 1) * WIDTH))
      for (let j = i * length; j < i * length + end; j++) {
        expect(Math.abs(scores[j]! - all[listed[j]!]!)).toBeLessThan(1e-3)
      }
    }
  })

  test('a router by nearness prefers the leaves whose centroids are close', () => {
    const near = nearnessRouter(nodes === undefined ? [leaves.rows] : [nodes.rows, leaves.rows], WIDTH)
    const all = new RouteBlock(arena, near, COUNT, nodeCount, nodeCount * arity)
    all.load(queries)
    const length = nodeCount * arity
    const { leaves: listed, scores } = all.shorten(length, length)
    for (let i = 0; i < COUNT; i++) {
      const query = queries.subarray(i * WIDTH, (i + 1) * WIDTH)
      const square = query.reduce((sum, value) => sum + value * value, 0)
      expect(new Set(listed.subarray(i * length, (i + 1) * length)).size).toBe(length)
      for (let j = i * length; j < (i + 1) * length; j++) {
        const leaf = listed[j]!
        let distance = 0
        for (let d = 0; d < WIDTH; d++) distance += (query[d]! - leaves.rows[leaf * WIDTH + d]!) ** 2
        expect(Math.abs(square - 2 * scores[j]! - distance)).toBeLessThan(2e-3)
      }
    }
    all.close()
  })

  test('a rank counts the better leaves that were looked at', () => {
    for (let i = 0; i < COUNT; i++) {
      const order = lookedAt(i)
      const scores = scoresOf(leaves, queries.subarray(i * WIDTH, (i + 1) * WIDTH))
      for (let leaf = 0; leaf < scores.length; leaf += 3) {
        expect(block.rank(i, leaf)).toBe(order.filter((other) => scores[other]! > scores[leaf]!).length)
      }
    }
  })
})

test('what all rows and queries have in common costs no precision', () => {
  const rng = new Rng(22)
  const far = 1e4
  const rows = Float32Array.from({ length: 64 * WIDTH }, () => far + rng.normal())
  const queries = Float32Array.from({ length: COUNT * WIDTH }, () => far + rng.normal())
  const block = new RouteBlock(arena, nearnessRouter([rows], WIDTH), COUNT, 1, 1)
  block.load(queries)
  const { leaves } = block.shorten(1, 1)
  for (let i = 0; i < COUNT; i++) {
    const distances = Array.from({ length: 64 }, (_, leaf) => {
      let sum = 0
      for (let d = 0; d < WIDTH; d++) sum += (queries[i * WIDTH + d]! - rows[leaf * WIDTH + d]!) ** 2
      return sum
    })
    expect(distances[leaves[i]!]! - Math.min(...distances)).toBeLessThan(2e-3)
  }
  block.close()
})

test('rows that are all the same, and rows beyond the range of squares, leave every score finite', () => {
  for (const value of [0, 3, 1e-30, 1e30]) {
    const rows = new Float32Array(5 * WIDTH).fill(value)
    rows[0] = -value
    const block = new RouteBlock(arena, nearnessRouter([rows], WIDTH), 1, 1, 5)
    block.load(new Float32Array(WIDTH).fill(value))
    const { leaves, scores } = block.shorten(5, 5)
    expect([...leaves].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
    expect(scores.every(Number.isFinite)).toBe(true)
    block.close()
  }
})
