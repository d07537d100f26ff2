import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { Arena } from '../../../build/kernels/memory.js'
import { auctionBytes, layAuction, NO_LEAF } from '../../../build/partition/balance.js'
import { LeafScorer, LeafTable } from '../../../build/partition/lists.js'
import { rescore } from '../../../build/pool/partition-tasks.js'
import { Points } from '../../../build/partition/points.js'
import { makeTable } from './table.js'

const arena = Arena.create()
const DIM = 6
const WIDTH = 8
const SIZE = 700
const LEAVES = 40

describe.each([
  ['f32', 'l2'],
  ['f16', 'cosine'],
  ['u8', 'l2'],
  ['i8', 'cosine'],
  ['i8', 'ip'],
] as const)('points of %s rows under %s', (rowType, metric) => {
  const { table, values } = makeTable(rowType, metric, SIZE, DIM)
  const rng = new Rng(5)
  const scale = metric === 'cosine' ? 0.5 : 60
  const centroids = Float32Array.from({ length: LEAVES * WIDTH }, (_, i) =>
    i % WIDTH < DIM ? rng.normal() * scale : 0,
  )
  // In f32, of sums whose terms are below 1 on the sphere, and below 100,000 off it.
  const tolerance = metric === 'cosine' ? 1e-5 : 0.1

  /** x.c - |c|^2 / 2 of every leaf, for any point. */
  const nearnessOf = (point: ArrayLike<number>): number[] =>
    Array.from({ length: LEAVES }, (_, leaf) => {
      let sum = 0
      for (let d = 0; d < DIM; d++) {
        const c = centroids[leaf * WIDTH + d]!
        sum += point[d]! * c - (c * c) / 2
      }
      return sum
    })
  const rowOf = (row: number): Float32Array => values.subarray(row * DIM, (row + 1) * DIM)
  const best = (nearness: readonly number[], among: ArrayLike<number>): number[] =>
    Array.from(among).sort((a, b) => nearness[b]! - nearness[a]! || a - b)

  test('are the rows as f32, padded with zeros, of unit length under cosine', () => {
    const points = new Points(table, arena)
    expect(points.width).toBe(WIDTH)
    const address = arena.allocate(SIZE * WIDTH * 4)
    points.range(0, SIZE, address)
    const all = arena.f32(address, SIZE * WIDTH).slice()
    all.forEach((value, i) => {
      const wanted = i % WIDTH < DIM ? values[Math.floor(i / WIDTH) * DIM + (i % WIDTH)]! : 0
      if (Math.abs(value - wanted) > 1e-6 * Math.abs(wanted)) expect([i, value]).toEqual([i, wanted])
    })
    const some = new Rng(4).sample(SIZE, 600)
    points.gather(some, address)
    const gathered = arena.f32(address, 600 * WIDTH)
    some.forEach((row, i) => {
      expect(gathered.slice(i * WIDTH, (i + 1) * WIDTH)).toEqual(all.slice(row * WIDTH, (row + 1) * WIDTH))
    })
    arena.free(address)
    points.close()
  })

  test('all leaves are scored, and the nearest of a centre found, ascending', () => {
    const leaves = new LeafTable(arena, centroids, WIDTH)
    const points = new Points(table, arena)
    for (const row of [0, 17, SIZE - 1]) {
      const nearness = nearnessOf(rowOf(row))
      leaves
        .scoreAll(points, row)
        .forEach((score, leaf) => expect(Math.abs(score - nearness[leaf]!)).toBeLessThanOrEqual(tolerance))
    }
    const out = new Uint32Array(LEAVES * 7)
    leaves.vicinities(centroids, 0, 3, 7, out)
    leaves.vicinities(centroids, 3, LEAVES - 3, 7, out)
    const every = Array.from({ length: LEAVES }, (_, leaf) => leaf)
    for (let leaf = 0; leaf < LEAVES; leaf++) {
      const nearness = nearnessOf(centroids.subarray(leaf * WIDTH, (leaf + 1) * WIDTH))
      const wanted = best(nearness, every).slice(0, 7)
      expect([...out.subarray(leaf * 7, (leaf + 1) * 7)]).toEqual(wanted.sort((a, b) => a - b))
    }
    points.close()
    leaves.close()
  })

  test.each([LEAVES, 25])('with %i leaves in sight, the nearest leaf of each row is the best of them', (look) => {
    const points = new Points(table, arena)
    const scorer = new LeafScorer(arena, centroids, WIDTH, look)
    const sight = new Rng(6).sample(LEAVES, look).sort()
    scorer.enter(sight)
    const positions = new Rng(7).sample(SIZE, 300)
    const out = new Uint32Array(SIZE).fill(NO_LEAF)
    scorer.nearest(points, positions, out)
    for (const row of positions) expect(out[row]).toBe(best(nearnessOf(rowOf(row)), sight)[0])
    expect(out.filter((leaf) => leaf !== NO_LEAF).length).toBe(300)
    points.close()
    scorer.close()
  })

  test('are scored again with what their lists hold', () => {
    const length = 5
    const shape = { count: SIZE, length, leafCount: LEAVES, dense: false }
    const owner = Arena.create(auctionBytes(shape))
    const auction = layAuction(shape, owner.allocate(auctionBytes(shape)))
    const leaves = owner.u32(auction.leaves, SIZE * length)
    const scores = owner.f32(auction.scores, SIZE * length).fill(7)
    for (let row = 0; row < SIZE; row++) {
      // Lists of different lengths, down to none.
      leaves.set(rng.sample(LEAVES, length), row * length)
      leaves.fill(NO_LEAF, row * length + (row % (length + 1)), (row + 1) * length)
    }
    const [first, count] = [90, 600]
    const key = -1_000_000 - table.key
    rescore({ points: table, centroids, table: { memory: owner.memory, key, auction }, first, count })
    let worst = 0
    for (let row = 0; row < SIZE; row++) {
      const nearness = nearnessOf(rowOf(row))
      for (let j = 0; j < length; j++) {
        const leaf = leaves[row * length + j]!
        const score = scores[row * length + j]!
        if (row < first || row >= first + count) expect(score).toBe(7)
        else if (leaf === NO_LEAF) expect(score).toBe(-Infinity)
        else worst = Math.max(worst, Math.abs(score - nearness[leaf]!))
      }
    }
    expect(worst).toBeLessThan(tolerance)
  })
})
