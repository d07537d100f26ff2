import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { BatlIndex, exactSearch, type BatchResult, type Metric } from '../../build/index.js'
import { blockStride, codeShape, rotationBlocks } from '../../build/codes/shape.js'
import { viewSnapshot } from '../../build/format/decode.js'
import type { Snapshot } from '../../build/tree/snapshot.js'
import { finiteIn } from '../format/make.js'
import { clusteredRows, failure, sameBytes, searchEach, temporaryFolder } from './support.js'
import { unpackLeaves } from '../reference/leaves.js'

const DIM = 24
const SIZE = 6000
const QUERIES = 300
const RECALLS = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]

const rows = clusteredRows(SIZE, DIM) as Float32Array
// Of the same clusters: the first rows are drawn as the others are.
const queries = clusteredRows(SIZE + QUERIES, DIM).subarray(SIZE * DIM) as Float32Array
const ids = Array.from({ length: SIZE }, (_, i) => `row ${i}`)

/** A code byte for two components: 4 bits each. */
const options = (metric: Metric, trees = 1) =>
  ({ dim: DIM, metric, ids, trees, codeBytes: DIM / 2, storage: 'none', trainer: 'wasm', threads: 2 }) as const

/** The vectors that the codes of a row stand for, less the mean, as they lie after the rotation; and that rotation. */
function decoded(snapshot: Snapshot): { rotate: (vector: readonly number[]) => number[]; rows: number[][][] } {
  const { dim, codeBytes, rotation, rotated, codebooks, size, order, tree } = snapshot
  const shape = codeShape(dim, codeBytes)
  const rotate = (vector: readonly number[]): number[] => {
    if (!rotated) return [...vector]
    let at = 0
    return rotationBlocks(shape).flatMap((block) => {
      const from = at
      at += block.size * blockStride(block)
      return Array.from({ length: block.size }, (_, r) => {
        const row = rotation.subarray(from + r * blockStride(block))
        return vector.slice(block.first, block.first + block.size).reduce((sum, x, j) => sum + x * row[j]!, 0)
      })
    })
  }
  const found = Array.from({ length: size }, (): number[][] => [])
  for (const view of tree) {
    for (const { scale, centroid, codes, positions } of unpackLeaves(view, snapshot)) {
      const middle = rotate(centroid.map((step) => step * scale))
      positions.forEach((position, e) => {
        const vector = middle.map((value, i) => {
          const m = Math.floor(i / shape.width)
          return value + codebooks[(m * shape.width + (i % shape.width)) * 16 + codes[e]![m]!]!
        })
        found[order[position]!]!.push(vector)
      })
    }
  }
  return { rotate, rows: found }
}

/** Distance of a query to a vector, both taken apart as codes are. */
function distance(metric: Metric, query: readonly number[], vector: readonly number[], length: number): number {
  if (metric === 'l2') return query.reduce((sum, x, i) => sum + (x - vector[i]!) ** 2, 0)
  const dot = query.reduce((sum, x, i) => sum + x * vector[i]!, 0)
  return metric === 'ip' ? -length * dot : 1 - dot
}

describe.each([
  ['l2', 1],
  ['ip', 1],
  ['cosine', 1],
  ['l2', 2],
] as [Metric, number][])('an index that keeps no rows, %s, trees: %d', (metric, trees) => {
  let index: BatlIndex<string[]>
  let truth: BatchResult
  beforeAll(async () => {
    index = await BatlIndex.build(rows, options(metric, trees))
    truth = await exactSearch(rows, queries, { dim: DIM, metric, k: 100 })
  }, 120_000)
  afterAll(() => index.close())

  test('says so, and takes what was estimated', () => {
    const stats = index.stats()
    expect(stats).toMatchObject({ size: SIZE, storage: 'none' })
    expect(stats.bytes.rows).toBe(0)
    const { total, buildPeak, ...groups } = BatlIndex.estimate({ size: SIZE, ...options(metric, trees) })
    expect(Math.abs(total / SIZE - stats.bytesPerVector)).toBeLessThan(0.1 * stats.bytesPerVector)
    for (const [group, bytes] of Object.entries(groups)) {
      expect(Math.abs(bytes - stats.bytes[group as keyof typeof groups])).toBeLessThanOrEqual(0.1 * bytes)
    }
    // The build itself needs the rows.
    expect(buildPeak).toBeGreaterThan(total + SIZE * DIM * 4)
    expect(BatlIndex.estimate({ size: SIZE, ...options(metric, trees), storage: 'f32' }).rows).toBe(SIZE * DIM * 4)
  })

  test('gives distances to what its codes stand for, and with all leaves the nearest of these', async () => {
    const bytes = index.toBytes()
    const snapshot = await viewSnapshot(bytes, finiteIn(bytes))
    const { rotate, rows: vectors } = decoded(snapshot)
    const steps: number[] = []
    for (let q = 0; q < 50; q++) {
      const query = Array.from(queries.subarray(q * DIM, (q + 1) * DIM))
      const length = Math.sqrt(query.reduce((sum, x) => sum + x * x, 0))
      const plain = metric === 'l2' ? query.map((x, i) => x - snapshot.mean[i]!) : query.map((x) => x / length)
      const turned = rotate(plain)
      const all = vectors.map((own) => Math.min(...own.map((vector) => distance(metric, turned, vector, length))))
      const spread = Math.max(...all) - Math.min(...all)
      const { ids: found, distances } = index.search(query, { recall: 1, k: 50 })
      const sorted = Float64Array.from(all).sort()
      distances.forEach((value, i) => {
        steps.push(Math.abs(value - all[ids.indexOf(found[i]!)]!) / spread, Math.abs(value - sorted[i]!) / spread)
      })
      expect([...distances]).toEqual([...distances].sort((a, b) => a - b))
      expect(new Set(found).size).toBe(50)
    }
    // Tables and bases are whole steps, some hundreds of them between the nearest and the farthest: measured over 300
    // queries, a median of .003 or less, .015 or less for 99 of 100, and .028 at the most.
    steps.sort((a, b) => a - b)
    expect(steps[steps.length >> 1]).toBeLessThan(0.006)
    expect(steps[Math.floor(0.99 * steps.length)]).toBeLessThan(0.02)
    expect(steps.at(-1)).toBeLessThan(0.04)
  })

  test('finds most of the true neighbours, and the ones it promises', async () => {
    const groundTruth = { ids: Array.from(truth.ids, (number) => ids[number]!), k: 100 }
    const { tuned } = index.stats()
    for (const k of [1, 10, 100] as const) {
      const reached = tuned.filter((setting) => setting.k === k).at(-1)!.recall
      // Measured: .45 to .79, .59 to .83, .83 to .94.
      expect(reached).toBeGreaterThan({ 1: 0.4, 10: 0.55, 100: 0.8 }[k])
      expect(reached).toBeLessThan(1)
      let most = 0
      for (const recall of [...RECALLS.filter((target) => target <= reached), reached]) {
        const found = await index.evaluate(queries, { k, recall, groundTruth })
        expect(found).toMatchObject({ k, target: recall, rerank: 0 })
        // Three standard errors of 300 queries with one neighbour; those of more neighbours are closer.
        expect(found.recall).toBeGreaterThan(recall - (k === 1 ? 0.09 : 0.04))
        most = Math.max(most, found.recall)
      }
      // What is out of reach gets what reaches most.
      const beyond = await index.evaluate(queries, { k, recall: 0.9999, groundTruth })
      expect(beyond.recall).toBeLessThan(1)
      expect(beyond.recall).toBeGreaterThan(most - 0.02)
    }
    // The recall that is reported is that of the answers.
    const { recall } = await index.evaluate(queries, { recall: 0.5, groundTruth })
    const answers = await index.searchBatch(queries, { recall: 0.5 })
    let hits = 0
    for (let q = 0; q < QUERIES; q++) {
      const near = groundTruth.ids.slice(q * 100, q * 100 + 10)
      hits += answers.ids.slice(q * 10, q * 10 + 10).filter((id) => near.includes(id)).length
    }
    expect(recall).toBeCloseTo(hits / (10 * QUERIES), 10)
  })

  test('answers the same one by one, in a batch, opened again, and attached', async () => {
    const bytes = index.toBytes()
    const opened = await BatlIndex.fromBytes<string[]>(bytes, { threads: 2 })
    const attached = (await BatlIndex.attach(index.share())) as unknown as BatlIndex<string[]>
    const some = queries.subarray(0, 40 * DIM)
    for (const effort of [{}, { recall: 1, k: 30 }, { probes: 3 }, { probes: 1, k: 700 }] as const) {
      const each = searchEach(index, some, effort)
      expect(searchEach(opened, some, effort)).toEqual(each)
      expect(searchEach(attached, some, effort)).toEqual(each)
      const batch = await opened.searchBatch(some, effort)
      expect([batch.ids, [...batch.distances]]).toEqual([each.ids, each.distances])
    }
    expect(sameBytes(opened.toBytes(), bytes)).toBe(true)
    expect(opened.stats()).toMatchObject({ storage: 'none', bytes: index.stats().bytes, tuned: index.stats().tuned })
    await attached.close()
    await opened.close()
  })

  test('gives every row where all are asked for', () => {
    const { ids: all } = index.search(queries.subarray(0, DIM), { k: 2 * SIZE, probes: 1 })
    expect(all.length).toBe(SIZE)
    expect(new Set(all).size).toBe(SIZE)
  })

  test('refuses what takes rows, and says what to do', async () => {
    const query = queries.subarray(0, DIM)
    for (const [action, message] of [
      [() => index.get('row 3'), /get returns a stored row, but .* storage 'none' .* keep the vectors elsewhere/],
      [() => index.searchById('row 3'), /search with the vector itself/],
      [() => index.search(query, { probes: 5, rerank: 20 }), /rerank is 20, but .* leave rerank out/],
      [() => index.searchBatch(query, { probes: 5, rerank: 20 }), /rerank is 20/],
      [() => index.evaluate(query, { probes: 5, rerank: 20 }), /rerank is 20/],
      [() => index.evaluate(query), /without groundTruth .* exactSearch/],
    ] as const) {
      expect(await failure(action)).toMatchObject({
        code: 'BATL_UNSUPPORTED',
        name: 'UnsupportedError',
        message: expect.stringMatching(message),
      })
    }
    expect([index.has('row 3'), index.has('none')]).toEqual([true, false])
    expect(index.search(query, { probes: 5 }).ids).toHaveLength(10)
  })
})

test('is searched where nothing is built, with the kernels of searching alone', async () => {
  for (const metric of ['l2', 'ip'] as const) {
    const index = await BatlIndex.build(rows, { ...options(metric), ids: undefined } as never)
    const folder = await temporaryFolder()
    await index.save(folder.path('bare.batl'))
    const query = Array.from(queries.subarray(0, DIM))
    const program = `
      const { BatlIndex } = await import(${JSON.stringify(new URL('../../build/search.js', import.meta.url).href)})
      const index = await BatlIndex.open(process.argv[1])
      const { ids, distances } = index.search(${JSON.stringify(query)})
      process.stdout.write(JSON.stringify([[...ids], [...distances]]))
      await index.close()`
    const args = ['--input-type=module', '-e', program, folder.path('bare.batl')]
    const { ids: found, distances } = index.search(query)
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(JSON.parse(stdout)).toEqual([[...found], [...distances]])
    await index.close()
    await folder.remove()
  }
}, 120_000)

test('builds the same bytes on any number of threads, and from a stream', async () => {
  const build = async (threads: number, of: Parameters<typeof BatlIndex.build>[0]): Promise<Uint8Array> => {
    const index = await BatlIndex.build(of, { ...options('cosine'), ids: undefined, threads } as never)
    const bytes = index.toBytes()
    await index.close()
    return bytes
  }
  async function* blocks(): AsyncGenerator<Float32Array> {
    for (let at = 0; at < rows.length; at += 1000 * DIM) yield rows.subarray(at, at + 1000 * DIM)
  }
  const one = await build(1, rows)
  expect(sameBytes(await build(2, blocks()), one)).toBe(true)
}, 120_000)

test('long rows under cosine, which are kept in steps otherwise, go as well', async () => {
  const long = clusteredRows(4200, 300) as Float32Array
  const index = await BatlIndex.build(long, { dim: 300, metric: 'cosine', storage: 'none', trainer: 'wasm' })
  expect(index.stats()).toMatchObject({ storage: 'none', bytes: { rows: 0 } })
  const asked = clusteredRows(4300, 300).subarray(4200 * 300) as Float32Array
  const { ids: near } = await exactSearch(long, asked, { dim: 300, metric: 'cosine' })
  const { recall } = await index.evaluate(asked, { recall: 1, groundTruth: { ids: near, k: 10 } })
  // Measured: .274, of rows whose components are noise around their cluster.
  expect(recall).toBeGreaterThan(0.2)
  await index.close()
}, 120_000)

test('few rows, which are scanned without codes, are kept all the same', async () => {
  const few = rows.subarray(0, 500 * DIM)
  const index = await BatlIndex.build(few, { dim: DIM, storage: 'none' })
  expect(index.stats()).toMatchObject({ storage: 'f32', depth: 0 })
  expect(index.stats().bytes.rows).toBe(500 * DIM * 4)
  expect(BatlIndex.estimate({ size: 500, dim: DIM, storage: 'none' }).rows).toBe(500 * DIM * 4)
  expect(index.get(7)).toEqual(few.slice(7 * DIM, 8 * DIM))
  const { ids: near } = await exactSearch(few, queries, { dim: DIM })
  expect((await index.searchBatch(queries)).ids).toEqual(near)
  await index.close()
})
