import { describe, expect, test } from '@jest/globals'
import { planShape, treeShape } from '../../../build/tree/shape.js'
import { routerFloats, routerTensors, routerViews } from '../../../build/tree/router.js'

test('node counts are the running product of the arities', () => {
  expect(treeShape([2, 3, 4])).toEqual({ arities: [2, 3, 4], nodeCounts: [2, 6, 24], leafCount: 24 })
  expect(treeShape([])).toEqual({ arities: [], nodeCounts: [], leafCount: 1 })
})

describe('a planned shape', () => {
  test('has one level up to 64 leaves and two above, near the square root', () => {
    expect(planShape(2).arities).toEqual([2])
    expect(planShape(64).arities).toEqual([64])
    expect(planShape(65).arities).toEqual([8, 8])
    expect(planShape(8192).arities).toEqual([91, 90])
    for (let leaves = 65; leaves < 20_000; leaves += 97) {
      const { arities, leafCount } = planShape(leaves)
      expect(arities.length).toBe(2)
      expect(Math.abs(leafCount - leaves)).toBeLessThanOrEqual(Math.sqrt(leaves))
      expect(arities[0]! / arities[1]!).toBeLessThan(1.3)
    }
  })

  test('keeps to the arity that was asked for, but for the last level', () => {
    for (const arity of [2, 3, 16, 100]) {
      for (let leaves = 2; leaves < 3000; leaves += 61) {
        const { arities, leafCount } = planShape(leaves, arity)
        expect(arities.slice(0, -1).every((a) => a === arity)).toBe(true)
        expect(arities.at(-1)!).toBeLessThanOrEqual(arity)
        expect(arities.at(-1)!).toBeGreaterThanOrEqual(2)
        expect(leafCount).toBeGreaterThan(leaves / 2)
        expect(leafCount).toBeLessThan(leaves * 2 + 2)
      }
    }
    expect(planShape(1024, 32).arities).toEqual([32, 32])
    expect(planShape(65_536, 256).arities).toEqual([256, 256])
  })

  test('has at least two leaves', () => {
    for (const leaves of [0, 0.3, 1, 1.4]) expect(planShape(leaves).leafCount).toBe(2)
  })
})

describe('the tables of a router', () => {
  test.each(['linear', 'residual', 'seq2seq'] as const)(
    'of kind %s lie one after the other, 64 bytes apart',
    (kind) => {
      const tensors = routerTensors(kind, treeShape([3, 5]), 7)
      const data = new Float32Array(routerFloats(tensors))
      const views = [...routerViews(tensors, data).values()]
      let end = 0
      views.forEach((view, i) => {
        expect(view.byteOffset % 64).toBe(0)
        expect(view.byteOffset).toBeGreaterThanOrEqual(end)
        expect(view.length).toBe(tensors[i]!.rows * tensors[i]!.cols)
        end = view.byteOffset + view.byteLength
      })
      expect(end).toBeLessThanOrEqual(data.byteLength)
      expect(new Set(tensors.map(({ name }) => name)).size).toBe(tensors.length)
    },
  )

  test('linear has a row and a bias for each node of each level', () => {
    expect(routerTensors('linear', treeShape([3, 5]), 7)).toEqual([
      { name: 'level 0', rows: 3, cols: 8 },
      { name: 'bias 0', rows: 1, cols: 3 },
      { name: 'level 1', rows: 15, cols: 8 },
      { name: 'bias 1', rows: 1, cols: 15 },
    ])
  })

  test('seq2seq has a prefix for the root and each inner node', () => {
    const prefix = routerTensors('seq2seq', treeShape([3, 5, 2]), 7).find(({ name }) => name === 'prefix')
    expect(prefix).toMatchObject({ rows: 1 + 3 + 15, cols: 256 })
  })
})
