import { describe, expect, test } from '@jest/globals'
import { resolveBuildOptions, type BuildOptions } from '../../../build/base/options.js'
import { rowsByLeaf, singleHolders } from '../../../build/builder/context.js'
import { capacity, nodeCapacities, planIndex } from '../../../build/builder/plan.js'
import { positionsOf, splitQueries } from '../../../build/builder/queries.js'
import { randomLeaves } from '../../../build/builder/rounds.js'
import { geometricRouter } from '../../../build/builder/route.js'
import { Workspace } from '../../../build/builder/workspace.js'
import { loadBuildKernels } from '../../../build/kernels/load-build.js'
import { routerTensors, routerViews } from '../../../build/tree/router.js'
import { treeShape } from '../../../build/tree/shape.js'

await loadBuildKernels()

const plan = (size: number, options: BuildOptions = {}): ReturnType<typeof planIndex> =>
  planIndex({ size, dim: 8, rowType: 'f32', idKind: 'row' }, resolveBuildOptions(options, 2))

describe('the plan of an index', () => {
  test('has no tree up to 4,096 rows', () => {
    expect(plan(4096)).toMatchObject({ trees: 0, entryCount: 0, shape: { arities: [], leafCount: 1 } })
    expect(plan(4097).shape.leafCount).toBeGreaterThan(10)
  })

  test('takes leaf size, copies and trees as they are asked for', () => {
    expect(plan(100_000, { leafSize: 100, copies: 1.25, trees: 3 })).toMatchObject({ trees: 3, entryCount: 125_000 })
    for (const leafSize of [16, 50, 400]) {
      const { leafCount } = plan(100_000, { leafSize }).shape
      expect(Math.abs((leafCount * leafSize) / 100_000 - 1)).toBeLessThan(0.05)
    }
  })
})

describe('the capacity of a node', () => {
  test.each([
    [100, 10, 1, 10],
    [101, 10, 1, 11],
    [100, 10, 1.2, 12],
    [1000, 3, 1.1, 366],
    [7, 7, 1, 1],
    [5, 10, 1, 1],
    [120, 100, 1.2, 2],
  ])('of %i entries in %i nodes at slack %d is %i', (entries, nodes, slack, wanted) => {
    expect(capacity(entries, nodes, slack)).toBe(wanted)
    expect(capacity(entries, nodes, slack) * nodes).toBeGreaterThanOrEqual(entries)
  })
})

describe('queries that are withheld', () => {
  test.each([
    [4097, 0, 1000],
    [15_000, 0, 1500],
    [50_000, 0, 2000],
    [400_000, 0, 4000],
    [5000, 1, 2000],
    [5000, 3, 2000],
    [5000, 3000, 2000],
    [100_000, 50_000, 4000],
  ])('of %i rows and %i logged are never learned from, and are %i', (size, logged, wanted) => {
    const { withheldRows, withheldLog, learnedLog } = splitQueries(size, logged, 5)
    expect([...withheldLog, ...learnedLog].sort((a, b) => a - b)).toEqual(Array.from({ length: logged }, (_, i) => i))
    expect(new Set(withheldRows).size).toBe(withheldRows.length)
    expect(withheldRows.every((row) => row < size)).toBe(true)
    expect(withheldRows.length + withheldLog.length).toBe(wanted)
    expect(withheldRows.length).toBeLessThanOrEqual(Math.max(size, 4096) / 2)
    // Where there is a log, some of it is learned from.
    if (logged > 1) expect(learnedLog.length).toBeGreaterThanOrEqual(withheldLog.length)
    expect(splitQueries(size, logged, 5)).toEqual({ withheldRows, withheldLog, learnedLog })
    expect(splitQueries(size, logged, 6)).not.toEqual({ withheldRows, withheldLog, learnedLog })
  })
})

test('a random start is exactly balanced, and random', () => {
  for (const [size, leaves] of [
    [1000, 8],
    [1001, 9],
    [50, 50],
  ] as const) {
    const loads = new Uint32Array(leaves)
    const leafOf = randomLeaves(size, leaves, 3)
    for (const leaf of leafOf) loads[leaf]!++
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
    expect(leafOf).not.toEqual(randomLeaves(size, leaves, 4))
  }
})

test('rows by leaf: each where it belongs, ascending, those without a leaf left out', () => {
  const { offsets, rows } = rowsByLeaf(new Workspace(), Int32Array.of(2, 0, -1, 2, 0, 3), 5)
  expect([...offsets]).toEqual([0, 2, 2, 4, 5, 5])
  expect([...rows]).toEqual([1, 4, 0, 3, 5])
  const holders = singleHolders(Uint32Array.of(4, 1, 1))
  expect([...holders.offsets]).toEqual([0, 1, 2, 3])
  expect([...holders.leaves]).toEqual([4, 1, 1])
})

test('places of row numbers', () => {
  expect([...positionsOf(Uint32Array.of(3, 0, 2, 1))]).toEqual([1, 3, 2, 0])
})

test('the router that stands on centroids ranks by distance, and by inner product without the norm', () => {
  const shape = treeShape([2, 2])
  const levels = [Float32Array.of(1, 0, 0, 0, 0, 2, 0, 0), Float32Array.from({ length: 16 }, (_, i) => i / 4)]
  for (const metric of ['l2', 'cosine', 'ip'] as const) {
    const { tables, kind } = geometricRouter({ arities: [2, 2], levels }, shape, 4, metric)
    expect(kind).toBe('linear')
    const views = routerViews(routerTensors('linear', shape, 4), tables)
    expect(views.get('level 0')).toEqual(levels[0])
    expect(views.get('level 1')).toEqual(levels[1])
    expect([...views.get('bias 0')!].map((bias) => bias + 0)).toEqual(metric === 'ip' ? [0, 0] : [-0.5, -2])
  }
})

test('every level has room for all rows, and a node for no more than its children', () => {
  for (const arities of [[7], [35, 36], [3, 5, 2]]) {
    const shape = treeShape(arities)
    for (let size = shape.leafCount; size < shape.leafCount * 50; size += 1 + Math.floor(shape.leafCount / 3)) {
      for (const slack of [1, 1.05, 1.2, 1.5]) {
        const rooms = nodeCapacities(size, shape, slack)
        expect(rooms).toHaveLength(arities.length)
        expect(rooms.at(-1)).toBeLessThanOrEqual(
          Math.max(Math.ceil(size / shape.leafCount), (slack * size) / shape.leafCount),
        )
        rooms.forEach((room, level) => {
          expect(Number.isInteger(room)).toBe(true)
          expect(room * shape.nodeCounts[level]!).toBeGreaterThanOrEqual(size)
          if (level > 0) expect(room * arities[level]!).toBeGreaterThanOrEqual(rooms[level - 1]!)
        })
      }
    }
  }
})
