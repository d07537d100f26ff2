import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { loadBuildKernels } from '../../../build/kernels/load-build.js'
import { Arena } from '../../../build/kernels/memory.js'
import { NO_LEAF } from '../../../build/partition/balance.js'
import { nearnessRouter, RouteBlock, type RouterLevel } from '../../../build/partition/route-block.js'

await loadBuildKernels()

const arena = Arena.create()
const WIDTH = 8
const COUNT = 40

function makeLevel(rng: Rng, nodes: number): RouterLevel {
  return {
    rows: Float32Array.from({ length: nodes * WIDTH }, () => rng.normal()),
    bias: Float32Array.from({ length: nodes }, () => rng.normal()),
  }
}

function scoresOf({ rows, bias }: RouterLevel, query: Float32Array): number[] {
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
  const block = new RouteBlock(arena, { nodes, leaves, width: WIDTH }, COUNT, beam, wanted)
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
      for (let j = 0; j < end; j++) expect(scores[i * length + j]).toBeCloseTo(all[listed[i * length + j]!]!, 4)
    }
  })

  test('a router by nearness ranks leaves by the distance of their centroids', () => {
    const router = nearnessRouter(nodes === undefined ? [leaves.rows] : [nodes.rows, leaves.rows], WIDTH)
    expect(router.nodes === undefined).toBe(nodes === undefined)
    const query = queries.subarray(0, WIDTH)
    const distances = Array.from(router.leaves.bias, (_, leaf) => {
      let sum = 0
      for (let j = 0; j < WIDTH; j++) sum += (query[j]! - leaves.rows[leaf * WIDTH + j]!) ** 2
      return -sum
    })
    expect(ranked(scoresOf(router.leaves, query))).toEqual(ranked(distances))
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
