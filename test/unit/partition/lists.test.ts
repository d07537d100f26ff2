import { describe, expect, test } from '@jest/globals'
import { rowStride } from '../../../build/base/matrix.js'
import { Rng } from '../../../build/base/rng.js'
import { Arena } from '../../../build/kernels/memory.js'
import { NO_LEAF } from '../../../build/partition/balance.js'
import { groupLeaves } from '../../../build/partition/group.js'
import { LeafFinder } from '../../../build/partition/lists.js'
import { Points, type PointTable } from '../../../build/partition/points.js'
import { treeShape } from '../../../build/tree/shape.js'
import { toHalf } from '../../../build/base/half.js'

const arena = Arena.create()
const DIM = 6
const WIDTH = 8
const SIZE = 700

/** Rows of a type in an arena of their own, and their values. */
function makeTable(
  rowType: 'f32' | 'f16' | 'i8',
  metric: 'l2' | 'cosine',
): { table: PointTable; values: Float32Array } {
  const owner = Arena.create()
  const stride = rowStride(rowType, DIM)
  const rows = owner.allocate(SIZE * stride)
  const scales = metric === 'cosine' ? owner.allocate(SIZE * 4) : 0
  const rng = new Rng(3)
  const values = Float32Array.from({ length: SIZE * DIM }, () => rng.below(200) - 100 + 0.5 * Number(rowType !== 'i8'))
  const view = new DataView(owner.memory.buffer)
  values.forEach((value, i) => {
    const at = rows + Math.floor(i / DIM) * stride
    if (rowType === 'f32') view.setFloat32(at + (i % DIM) * 4, value, true)
    else if (rowType === 'f16') view.setUint16(at + (i % DIM) * 2, toHalf(value), true)
    else view.setInt8(at + (i % DIM), value)
  })
  if (scales !== 0) {
    const out = owner.f32(scales, SIZE)
    for (let row = 0; row < SIZE; row++) {
      out[row] = 1 / Math.hypot(...values.subarray(row * DIM, (row + 1) * DIM))
      for (let d = 0; d < DIM; d++) values[row * DIM + d]! *= out[row]!
    }
  }
  const table = { memory: owner.memory, key: 1, rows, scales, size: SIZE, dim: DIM, metric, rowType } as const
  return { table, values }
}

describe.each([
  ['f32', 'l2'],
  ['f16', 'cosine'],
  ['i8', 'cosine'],
  ['i8', 'l2'],
] as const)('points of %s rows under %s', (rowType, metric) => {
  const { table, values } = makeTable(rowType, metric)

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

  test.each([[[40]], [[6, 7]], [[3, 4, 4]]])('the leaves of a list are the nearest, nearest first: %j', (arities) => {
    const shape = treeShape(arities)
    const rng = new Rng(5)
    const scale = metric === 'cosine' ? 0.5 : 60
    const leaves = Float32Array.from({ length: shape.leafCount * WIDTH }, (_, i) =>
      i % WIDTH < DIM ? rng.normal() * scale : 0,
    )
    const { levels } = groupLeaves(arena, leaves, shape, WIDTH, 1)
    const finder = new LeafFinder(arena, levels, shape, WIDTH)
    const points = new Points(table, arena)
    const length = 9
    // In f32, of sums whose terms are below 1 on the sphere, and below 100,000 off it.
    const tolerance = metric === 'cosine' ? 1e-5 : 0.1
    const found = new Uint32Array(300 * length)
    const scores = new Float32Array(300 * length)
    finder.find(points, 20, 300, length, found, scores)
    const centroids = levels.at(-1)!
    for (let i = 0; i < 300; i++) {
      const row = values.subarray((20 + i) * DIM, (21 + i) * DIM)
      const nearness = Array.from({ length: shape.leafCount }, (_, leaf) => {
        const centroid = centroids.subarray(leaf * WIDTH, leaf * WIDTH + DIM)
        return row.reduce((sum, value, d) => sum + value * centroid[d]! - centroid[d]! ** 2 / 2, 0)
      })
      const order = nearness.map((_, leaf) => leaf).sort((a, b) => nearness[b]! - nearness[a]!)
      expect([...found.subarray(i * length, (i + 1) * length)]).toEqual(order.slice(0, length))
      for (let j = 0; j < length; j++) {
        const wanted = nearness[found[i * length + j]!]!
        expect(Math.abs(scores[i * length + j]! - wanted)).toBeLessThanOrEqual(tolerance)
      }
      if (i % 50 === 0) {
        const all = finder.scoreAll(points, 20 + i)
        all.forEach((score, leaf) => expect(Math.abs(score - nearness[leaf]!)).toBeLessThanOrEqual(tolerance))
      }
    }
    points.close()
    finder.close()
  })
})

test('a list longer than the leaves ends early', () => {
  const { table } = makeTable('f32', 'l2')
  const shape = treeShape([3])
  const levels = [Float32Array.from({ length: 3 * WIDTH }, (_, i) => i)]
  const finder = new LeafFinder(arena, levels, shape, WIDTH)
  const points = new Points(table, arena)
  const found = new Uint32Array(5)
  finder.find(points, 0, 1, 5, found, new Float32Array(5))
  expect([...found.subarray(3)]).toEqual([NO_LEAF, NO_LEAF])
  expect([...found.subarray(0, 3)].sort()).toEqual([0, 1, 2])
  points.close()
  finder.close()
})
