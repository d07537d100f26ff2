import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { BatlIndex } from '../../build/index.js'
import { loadGlove } from '../fixtures/load.js'
import { asType, clusteredRows } from './support.js'

const glove = loadGlove()
const query = (i: number): Int8Array => glove.queries.subarray(i * glove.dim, (i + 1) * glove.dim)
const ascending = (values: ArrayLike<number>): boolean =>
  Array.from(values).every((value, i) => i === 0 || values[i - 1]! <= value)

describe('search in a trained index', () => {
  let index: BatlIndex
  beforeAll(async () => {
    index = await BatlIndex.build(glove.rows, { dim: glove.dim, metric: 'cosine', trainer: 'wasm', leafSize: 50 })
  })
  afterAll(() => index.close())

  test('asks for 10 neighbours at a recall of .95 when nothing is said', () => {
    for (let i = 0; i < 20; i++) {
      const plain = index.search(query(i))
      expect(plain.ids.length).toBe(10)
      expect(plain).toEqual(index.search(query(i), { k: 10, recall: 0.95 }))
      expect(plain).toEqual(index.search(query(i), {}))
    }
  })

  test('gives distinct ids with their distances, nearest first, in fresh arrays', () => {
    const first = index.search(query(0), { k: 50 })
    const second = index.search(query(1), { k: 50 })
    expect(first.ids).not.toEqual(second.ids)
    expect(new Set(first.ids).size).toBe(50)
    expect(ascending(first.distances)).toBe(true)
    expect(first.ids.buffer.byteLength).toBe(200)
    expect(first.ids.buffer).not.toBe(second.ids.buffer)
    for (let i = 0; i < 50; i++) {
      const row = index.get(first.ids[i]!)!
      const [a, b] = [Float64Array.from(query(0)), Float64Array.from(row)]
      const dot = a.reduce((sum, value, j) => sum + value * b[j]!, 0)
      const cosine = dot / Math.sqrt(a.reduce((s, v) => s + v * v, 0) * b.reduce((s, v) => s + v * v, 0))
      expect(first.distances[i]!).toBeCloseTo(1 - cosine, 5)
    }
  })

  test.each([1, 2, 10, 137, 9_999, 10_000])('gives exactly %i neighbours, however few leaves are probed', (k) => {
    const { ids, distances } = index.search(query(3), { k, probes: 1 })
    expect(ids.length).toBe(k)
    expect(distances.length).toBe(k)
    expect(new Set(ids).size).toBe(k)
    expect(ascending(distances)).toBe(true)
  })

  test('gives all rows when k is larger than the index', () => {
    for (const effort of [{ probes: 1 }, { recall: 0.9 }, { recall: 1 }]) {
      const { ids } = index.search(query(4), { k: 2 ** 31, ...effort })
      expect(Array.from(ids).sort((a, b) => a - b)).toEqual(Array.from({ length: 10_000 }, (_, row) => row))
    }
  })

  test('with all of their rows compared, more probes never lose a nearer neighbour, and all find the exact ones', () => {
    for (let i = 0; i < 10; i++) {
      let last = Infinity
      for (const probes of [1, 2, 4, 8, 16, 32, 64, 128, index.stats().leaves, 10_000]) {
        const { distances } = index.search(query(i), { probes, rerank: 10_000 })
        const sum = distances.reduce((total, value) => total + value, 0)
        expect(sum).toBeLessThanOrEqual(last)
        last = sum
      }
      expect(index.search(query(i), { probes: 10_000, rerank: 10_000 })).toEqual(index.search(query(i), { recall: 1 }))
    }
  })

  test('more rows compared never lose a nearer neighbour', () => {
    for (let i = 0; i < 10; i++) {
      let last = Infinity
      for (const rerank of [10, 20, 40, 80, 200, 1000, 10_000]) {
        const { distances } = index.search(query(i), { probes: 20, rerank })
        const sum = distances.reduce((total, value) => total + value, 0)
        expect(sum).toBeLessThanOrEqual(last)
        last = sum
      }
    }
  })

  test('a higher recall looks at more, up to every row once at 1', async () => {
    const shares: number[] = []
    for (const recall of [0.1, 0.5, 0.8, 0.9, 0.95, 0.99]) {
      const { candidatesPct } = await index.evaluate(glove.queries.subarray(0, 2000), { recall })
      expect(candidatesPct).toBeGreaterThanOrEqual(shares.at(-1) ?? 0)
      shares.push(candidatesPct)
    }
    expect(shares[0]!).toBeLessThan(10)
    expect(shares.at(-1)!).toBeGreaterThan(2 * shares[1]!)
    expect(await index.evaluate(query(0), { recall: 1 })).toMatchObject({ candidatesPct: 100, recall: 1 })
  })

  test('`recall` takes the cheapest tuned setting that reached it, and the widest where none did', async () => {
    const { tuned, leaves } = index.stats()
    const setting = tuned.find(({ k, recall }) => k === 10 && recall === 0.9)!
    expect(setting.probes).toBeLessThan(leaves / 2)
    const { probes, rerank } = await index.evaluate(glove.queries.subarray(0, 3000), { recall: 0.9 })
    expect({ probes, rerank }).toEqual({ probes: setting.probes, rerank: setting.rerank })
    expect(index.search(query(5), { recall: 0.999_999_999 })).toEqual(index.search(query(5), { probes: leaves }))
  })

  test('takes a query of any row type, and plain numbers', () => {
    const wanted = index.search(query(6))
    const numbers = Array.from(query(6))
    for (const same of [numbers, Float32Array.from(numbers), Float64Array.from(numbers), asType(numbers, 'f16')]) {
      expect(index.search(same)).toEqual(wanted)
    }
  })

  test('answers do not depend on the searches before', () => {
    const wanted = index.search(query(7), { k: 5 })
    index.search(query(8), { k: 5000, probes: 1 })
    index.search(query(9), { recall: 1 })
    expect(index.search(query(7), { k: 5 })).toEqual(wanted)
  })
})

describe('at most 4,096 rows', () => {
  test('are scanned exactly, without training, through the same interface', async () => {
    const rows = clusteredRows(4096, 12)
    const phases = new Set<string>()
    const index = await BatlIndex.build(rows, { dim: 12, onProgress: ({ phase }) => phases.add(phase) })
    expect([...phases]).toEqual(['read'])
    expect(index.stats()).toMatchObject({ size: 4096, depth: 0, leaves: 1, trainer: 'none', tuned: [] })
    const asked = rows.subarray(0, 12)
    const wanted = index.search(asked, { recall: 1 })
    expect(wanted.ids[0]).toBe(0)
    for (const effort of [{}, { recall: 0.1 }, { probes: 1 }, { probes: 5, rerank: 1 }]) {
      expect(index.search(asked, effort)).toEqual(wanted)
    }
    expect(await index.evaluate(rows.subarray(0, 120))).toMatchObject({ recall: 1, candidatesPct: 100, probes: 1 })
    await index.close()
  })

  test('one row is enough', async () => {
    const index = await BatlIndex.build([[3, 4]])
    expect(index.search([0, 0], { k: 5 })).toEqual({ ids: Uint32Array.of(0), distances: Float32Array.of(25) })
    expect(index.searchById(0, { k: 5 })).toEqual({ ids: new Uint32Array(0), distances: new Float32Array(0) })
    await index.close()
  })

  test('one more gets a tree', async () => {
    const index = await BatlIndex.build(clusteredRows(4097, 4), { dim: 4, trainer: 'wasm' })
    expect(index.stats()).toMatchObject({ size: 4097, depth: 2, trainer: 'wasm' })
    await index.close()
  })
})

describe('distances', () => {
  const rows = [
    [4, 2],
    [5, -3],
  ]
  test.each(['l2', 'ip', 'cosine'] as const)('by %s', async (metric) => {
    const asked = [2, 1]
    const by = {
      l2: (row: number[]) => (row[0]! - 2) ** 2 + (row[1]! - 1) ** 2,
      ip: (row: number[]) => -(2 * row[0]! + row[1]!),
      cosine: (row: number[]) => 1 - (2 * row[0]! + row[1]!) / (Math.hypot(...row) * Math.hypot(...asked)),
    }[metric]
    const index = await BatlIndex.build(rows, { metric })
    const { ids, distances } = index.search(asked)
    ids.forEach((id, i) => expect(distances[i]!).toBeCloseTo(by(rows[id]!), 6))
    expect(ids).toEqual(Uint32Array.of(0, 1))
    expect(ascending(distances)).toBe(true)
    await index.close()
  })
})
