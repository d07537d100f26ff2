import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { loadBuildKernels } from '../../../build/kernels/load-build.js'
import { Arena } from '../../../build/kernels/memory.js'
import { groupLeaves, nodeCentroids, permuteRows } from '../../../build/partition/group.js'
import { treeShape } from '../../../build/tree/shape.js'

await loadBuildKernels()

const arena = Arena.create()
const WIDTH = 4

describe('grouping leaves under a tree', () => {
  test.each([[[5]], [[3, 4]], [[4, 4, 4]], [[2, 3, 5]], [[7, 2]]])(
    'of arities %j gives every node exactly its children',
    (arities) => {
      const shape = treeShape(arities)
      const rng = new Rng(1)
      const leaves = Float32Array.from({ length: shape.leafCount * WIDTH }, () => rng.normal())
      const { order, levels } = groupLeaves(arena, leaves, shape, WIDTH, 3)
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: shape.leafCount }, (_, leaf) => leaf))
      expect(levels.map((level) => level.length / WIDTH)).toEqual(shape.nodeCounts)
      expect(levels.at(-1)).toEqual(permuteRows(leaves, order, WIDTH))
      // Each inner node stands at the mean of its children.
      for (let level = 0; level + 1 < arities.length; level++) {
        const arity = arities[level + 1]!
        for (let i = 0; i < levels[level]!.length; i++) {
          const [node, d] = [Math.floor(i / WIDTH), i % WIDTH]
          let mean = 0
          for (let child = node * arity; child < (node + 1) * arity; child++) {
            mean += levels[level + 1]![child * WIDTH + d]! / arity
          }
          expect(levels[level]![i]!).toBeCloseTo(mean, 5)
        }
      }
    },
  )

  test('keeps leaves together that lie together', () => {
    const shape = treeShape([6, 8])
    const rng = new Rng(2)
    // Six well separated clusters of eight leaves, dealt in turn.
    const leaves = Float32Array.from({ length: 48 * WIDTH }, (_, i) => {
      const cluster = Math.floor(i / WIDTH) % 6
      return (i % WIDTH === cluster % WIDTH ? 100 : 0) * (cluster < WIDTH ? 1 : -1) + rng.normal()
    })
    const { order } = groupLeaves(arena, leaves, shape, WIDTH, 5)
    for (let node = 0; node < 6; node++) {
      const clusters = new Set([...order.subarray(node * 8, (node + 1) * 8)].map((leaf) => leaf % 6))
      expect(clusters.size).toBe(1)
    }
  })

  test('takes identical leaves', () => {
    const shape = treeShape([3, 3])
    const { order } = groupLeaves(arena, new Float32Array(9 * WIDTH).fill(1), shape, WIDTH, 1)
    expect(new Set(order).size).toBe(9)
  })

  test('centroids of one level are the leaves themselves', () => {
    const leaves = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)
    expect(nodeCentroids(leaves, treeShape([2]), WIDTH)).toEqual([leaves])
    expect(nodeCentroids(leaves, treeShape([1, 2]), WIDTH)[0]).toEqual(Float32Array.of(3, 4, 5, 6))
  })
})
