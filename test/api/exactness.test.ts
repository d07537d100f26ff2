import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { BatlIndex, exactSearch, type BuildOptions, type Metric, type RowType } from '../../build/index.js'
import { Rng } from '../../build/base/rng.js'
import { makeRegion, type MakeOptions } from '../format/make.js'
import { asType, clusteredRows, searchEach, type TypedRows } from './support.js'

/** What an index holds, by row number and in its own type: read back through `get`. */
function storedRows(index: BatlIndex, type: RowType): TypedRows {
  const values = new Float32Array(index.size * index.dim)
  for (let row = 0; row < index.size; row++) values.set(index.get(row)!, row * index.dim)
  return asType(values, type)
}

/** All leaves probed with all rows compared, recall 1 and an exact search must agree to the bit. */
async function expectExact(index: BatlIndex, type: RowType, queries: TypedRows, k: number): Promise<void> {
  const { dim, metric } = index
  const { leaves } = index.stats()
  const truth = await exactSearch(storedRows(index, type), queries, { dim, metric, k, threads: 1, type })
  const wanted = { ids: [...truth.ids], distances: [...truth.distances] }
  for (const rerank of [index.size, index.size * 3]) {
    expect(searchEach(index, queries, { k, probes: leaves, rerank })).toEqual(wanted)
  }
  expect(searchEach(index, queries, { k, recall: 1 })).toEqual(wanted)
}

/**
 * Routers of random weights over rows dealt to leaves in turn: with all leaves probed, what the router says must not
 * matter. Rows are whole numbers of 0 to 9, so that many distances tie.
 */
describe('with any router, all leaves probed and all rows compared equals exact search, ties by lower row number', () => {
  const routers = ['linear', 'residual', 'seq2seq'] as const
  const types = ['f32', 'f16', 'u8', 'i8'] as const
  const metrics = ['l2', 'ip', 'cosine'] as const
  const copies = [1, 1.5, 3]
  // Every router, type and metric together; shapes, copies and trees in turn.
  const cases: (MakeOptions & { rowType: RowType })[] = []
  for (const router of routers) {
    for (const rowType of types) {
      for (const metric of metrics) {
        const n = cases.length
        // The published network is large: one metric for each type will do.
        if (router === 'seq2seq' && metrics[types.indexOf(rowType) % 3] !== metric) continue
        const arities = [[7], [3, 5], [2, 3, 4]][n % 3]!
        const dim = [3, 16, 5, 33][n % 4]!
        cases.push({
          router,
          rowType,
          metric,
          size: 311,
          dim,
          arities,
          copies: copies[n % 3]!,
          trees: router === 'seq2seq' ? 1 : 1 + (n % 2),
          rotated: n % 5 === 0,
        })
      }
    }
  }
  // Every number of copies with every metric and type at least once more.
  for (const [i, many] of copies.entries()) {
    for (const [j, metric] of metrics.entries()) {
      cases.push({
        router: 'linear',
        rowType: types[(i + j) % 4]!,
        metric,
        size: 200,
        dim: 6,
        arities: [4, 4],
        copies: many,
      })
    }
  }

  test.each(cases.map((options) => [JSON.stringify(options), options] as const))('%s', async (_, options) => {
    const index = await BatlIndex.fromBytes(await makeRegion({ rungs: 0, ...options }))
    const rng = new Rng(5)
    const values = Float32Array.from({ length: 12 * index.dim }, () => rng.below(10))
    for (let at = 0; at < values.length; at += index.dim) values[at]!++
    await expectExact(index, options.rowType, asType(values, options.rowType), 40)
    // Queries that are no whole numbers take the kernels' other form.
    const { dim, metric } = index
    const fractions = values.map((value) => value + rng.uniform())
    const rows = storedRows(index, options.rowType)
    const truth = await exactSearch(rows, fractions, { dim, metric, k: 25, threads: 1, type: options.rowType })
    const found = searchEach(index, fractions, { k: 25, probes: index.stats().leaves, rerank: index.size })
    expect(found).toEqual({ ids: [...truth.ids], distances: [...truth.distances] })
    // Codes of random bytes: whatever they say, the distances are those of the rows.
    const some = searchEach(index, fractions, { k: 25, probes: index.stats().leaves, rerank: 25 })
    const distanceOf = new Map<string, number>()
    const all = await exactSearch(rows, fractions, { dim, metric, k: index.size, threads: 1, type: options.rowType })
    all.ids.forEach((id, i) => distanceOf.set(`${Math.floor(i / index.size)} ${id}`, all.distances[i]!))
    expect(some.distances).toEqual(some.ids.map((id, i) => distanceOf.get(`${Math.floor(i / 25)} ${String(id)}`)))
    await index.close()
  })
})

/** Trained indexes, small ones. */
describe('a trained index with all leaves probed equals exact search', () => {
  const cases: { type: RowType; metric: Metric; dim: number; options: BuildOptions }[] = [
    { type: 'f32', metric: 'l2', dim: 17, options: { copies: 1 } },
    { type: 'u8', metric: 'ip', dim: 24, options: { copies: 3, leafSize: 60 } },
    { type: 'i8', metric: 'cosine', dim: 20, options: { copies: 1.5, leafSize: 30, arity: 6 } },
    { type: 'f16', metric: 'cosine', dim: 9, options: { copies: 1.5, router: 'residual', trees: 2 } },
  ]

  test.each(cases)('$type $metric $options', async ({ type, metric, dim, options }) => {
    const rows = clusteredRows(4300, dim, type)
    const queries = clusteredRows(8, dim, type, 2)
    const given = type === 'f16' ? { type } : {}
    const index = await BatlIndex.build(rows, { dim, metric, trainer: 'wasm', ...given, ...options })
    expect(storedRows(index, type)).toEqual(rows)
    await expectExact(index, type, queries, 30)
    await index.close()
  })
})

describe('thousands of identical rows', () => {
  let index: BatlIndex
  beforeAll(async () => {
    index = await BatlIndex.build(new Float32Array(5000 * 6).fill(1.5), { dim: 6, trainer: 'wasm' })
  })
  afterAll(() => index.close())

  test('build into a balanced tree', () => {
    expect(index.stats()).toMatchObject({ size: 5000, depth: 2 })
    expect(index.stats().leaves).toBeGreaterThan(10)
    expect(index.stats().largestLeaf).toBeLessThanOrEqual(1.2)
  })

  test.each([{ recall: 0.5 }, { probes: 1 }, { recall: 1 }])('are all found, whatever the effort: %o', (effort) => {
    const { ids, distances } = index.search(new Float32Array(6).fill(1.5), { k: 5000, ...effort })
    expect(ids).toEqual(Uint32Array.from({ length: 5000 }, (_, row) => row))
    expect(distances).toEqual(new Float32Array(5000))
  })
})
