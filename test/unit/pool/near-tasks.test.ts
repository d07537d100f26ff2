import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { blockRouterOf } from '../../../build/builder/route.js'
import { nearGraph, Neighbourhood } from '../../../build/partition/near-graph.js'
import { NO_ROW } from '../../../build/partition/points.js'
import { blockRanks, join, neighbours, truth } from '../../../build/pool/near-tasks.js'
import { ranks } from '../../../build/pool/route-tasks.js'
import { routerFloats, routerTensors, routerViews } from '../../../build/tree/router.js'
import { treeShape } from '../../../build/tree/shape.js'
import { bruteForce, makeTable } from '../partition/table.js'

const SIZE = 640
const DIM = 6
const K = 10
const ARITIES = [4, 8]
const LEAVES = 32

/** A router that knows nothing: whatever leaves it prefers, those that are visited are scanned in full. */
function makeRouter(): { kind: 'linear'; arities: number[]; tables: Float32Array } {
  const shape = treeShape(ARITIES)
  const tensors = routerTensors('linear', shape, DIM)
  const tables = new Float32Array(routerFloats(tensors))
  const rng = new Rng(31)
  for (const view of routerViews(tensors, tables).values()) view.forEach((_, i) => (view[i] = rng.normal()))
  return { kind: 'linear', arities: ARITIES, tables }
}

describe.each([
  ['f32', 'l2'],
  ['f16', 'cosine'],
  ['u8', 'l2'],
  ['i8', 'ip'],
] as const)('queries over %s rows under %s', (rowType, metric) => {
  const { table: points, values } = makeTable(rowType, metric, SIZE, DIM)
  const positions = new Rng(32).sample(SIZE, 70)
  const rng = new Rng(33)
  const matrix = Float32Array.from({ length: 70 * DIM }, () => rng.below(100))
  const leafOffsets = Uint32Array.from({ length: LEAVES + 1 }, (_, leaf) => (leaf * SIZE) / LEAVES)
  const order = new Rng(34).shuffle(new Uint32Array(70).map((_, i) => i))

  test.each([
    ['stored rows, themselves left out', { positions }],
    ['a matrix', { matrix }],
  ])('of %s: all leaves visited, and the exact scan, give the nearest', (_, queries) => {
    const block = { first: 0, count: 70 }
    const out = new Uint32Array(70 * K)
    const router = blockRouterOf(makeRouter(), DIM)
    const request = { points, router, leafOffsets, queries, order, k: K, probes: LEAVES }
    neighbours({ ...request, out, first: 0, count: 40 })
    neighbours({ ...request, out, first: 40, count: 30 })
    const exact = new Uint32Array(70 * K)
    truth({ points, queries, k: K, out: exact, ...block })
    for (let i = 0; i < 70; i++) {
      const query = 'positions' in queries ? positions[i]! * DIM : i * DIM
      const numbers = ('positions' in queries ? values : matrix).subarray(query, query + DIM)
      const self = 'positions' in queries ? positions[i]! : -1
      const all = bruteForce(points, values, numbers, SIZE, self)
      const distances = new Map(all.map(({ position, distance }) => [position, distance]))
      for (const found of [out, exact]) {
        const own = found.subarray(i * K, (i + 1) * K)
        expect(new Set(own).size).toBe(K)
        own.forEach((position, j) => {
          const wanted = all[j]!.distance
          expect(Math.abs(distances.get(position)! - wanted)).toBeLessThanOrEqual(2e-5 * Math.max(1, Math.abs(wanted)))
        })
      }
    }
  })

  test.each([
    ['stored rows', { positions }],
    ['a matrix', { matrix }],
  ])('of %s: a join keeps the nearest of what the graph knows, themselves left out', (_, queries) => {
    // Lists of rows picked at random, so that there is something to find.
    const lists = new Uint32Array(70 * K)
    const near = new Uint32Array(70 * K)
    for (let i = 0; i < 70; i++) {
      lists.set(rng.sample(SIZE, K), i * K)
      near.set(rng.sample(SIZE, K), i * K)
    }
    near.fill(NO_ROW, 5 * K + 2, 6 * K)
    near.fill(NO_ROW, 6 * K, 7 * K)
    const graph = nearGraph(positions, lists, { k: K, size: SIZE })
    const out = new Uint32Array(70 * K)
    const request = { points, queries, order, near, graph, out }
    join({ ...request, first: 0, count: 33 })
    join({ ...request, first: 33, count: 37 })
    for (let i = 0; i < 70; i++) {
      const self = 'positions' in queries ? positions[i]! : NO_ROW
      const query = 'positions' in queries ? self * DIM : i * DIM
      const numbers = ('positions' in queries ? values : matrix).subarray(query, query + DIM)
      const known = new Set(new Neighbourhood(graph).of(near.subarray(i * K, (i + 1) * K), self))
      const all = bruteForce(points, values, numbers, SIZE).filter(({ position }) => known.has(position))
      const wanted = all.slice(0, K).map(({ distance }) => distance)
      const found = [...out.subarray(i * K, (i + 1) * K)].filter((position) => position !== NO_ROW)
      expect(new Set(found).size).toBe(wanted.length)
      expect(found).not.toContain(self)
      found.forEach((position, j) => {
        const distance = all.find((row) => row.position === position)!.distance
        expect(Math.abs(distance - wanted[j]!)).toBeLessThanOrEqual(2e-5 * Math.max(1, Math.abs(distance)))
      })
    }
  })

  test('ranks of a block are those of every query by itself, but for what whole numbers cannot tell apart', () => {
    const queries = { positions }
    const found = new Uint32Array(70 * K)
    truth({ points, queries, k: K, out: found, first: 0, count: 70 })
    found[3] = NO_ROW
    // Each row in the leaf where it lies and, every third one, in another.
    const offsets = new Uint32Array(SIZE + 1)
    const leaves: number[] = []
    for (let row = 0; row < SIZE; row++) {
      leaves.push(Math.floor((row * LEAVES) / SIZE))
      if (row % 3 === 0) leaves.push((row * 7) % LEAVES)
      offsets[row + 1] = leaves.length
    }
    const holders = { offsets, leaves: Uint32Array.from(leaves) }
    const request = { points, queries, neighbours: found, k: K, holders }
    const router = makeRouter()
    const inBlocks = { ...request, router: blockRouterOf(router, DIM), order }
    const [single, block] = [new Uint32Array(70 * K), new Uint32Array(70 * K)]
    ranks({ ...request, router, out: single, first: 0, count: 70 })
    blockRanks({ ...inBlocks, out: block, first: 0, count: 33 })
    blockRanks({ ...inBlocks, out: block, first: 33, count: 37 })
    expect(block[3]).toBe(NO_ROW)
    const others = [...block].map((rank, i) => Math.abs(rank - single[i]!)).filter((difference) => difference !== 0)
    expect(others.length).toBeLessThan(block.length / 100)
    expect(others.every((difference) => difference === 1)).toBe(true)
  })
})
