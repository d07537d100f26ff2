import { describe, expect, test } from '@jest/globals'
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { BatlIndex, type BuildOptions, type Metric } from '../../build/index.js'
import { viewSnapshot } from '../../build/format/decode.js'
import type { Snapshot } from '../../build/tree/snapshot.js'
import { Rng } from '../../build/base/rng.js'
import { clusteredRows, failure } from '../api/support.js'
import { finiteIn } from '../format/make.js'
import { loadGlove, sharedData } from '../fixtures/load.js'
import { unpackLeaves } from '../reference/leaves.js'

/** The tree as the file holds it. */
async function snapshotOf(index: BatlIndex): Promise<Snapshot> {
  const bytes = index.toBytes()
  return viewSnapshot(bytes, finiteIn(bytes))
}

/**
 * What must hold for every tree: each row at least once and at most once a leaf; no leaf above slack times the mean,
 * copies counted; at slack 1 no leaf above the mean, rounded up; as many entries as were asked for.
 */
function expectSound(snapshot: Snapshot, slack: number, copies: number): void {
  const { tree, order, size, shape, entryCount } = snapshot
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, row) => row))
  expect(entryCount).toBe(Math.round(copies * size))
  const mean = entryCount / shape.leafCount
  const most = slack === 1 ? Math.ceil(mean) : Math.max(Math.ceil(mean), slack * mean)
  for (const view of tree) {
    const { leafOffsets } = view
    expect([leafOffsets[0], leafOffsets[shape.leafCount]]).toEqual([0, entryCount])
    const times = new Uint8Array(size)
    let largest = 0
    let repeats = 0
    for (const { positions: held } of unpackLeaves(view, snapshot)) {
      largest = Math.max(largest, held.length)
      repeats += held.length - new Set(held).size
      for (const position of held) times[position]!++
    }
    expect(repeats).toBe(0)
    expect(Math.min(...times)).toBeGreaterThanOrEqual(1)
    expect(Math.max(...times)).toBeLessThanOrEqual(copies > 1 ? 3 : 1)
    expect(largest).toBeLessThanOrEqual(most)
  }
}

/** Vectors of one direction each, whose lengths spread over two decades and more. */
function lognormalRows(count: number, dim: number): Float32Array {
  const rng = new Rng(3)
  const rows = new Float32Array(count * dim)
  for (let row = 0; row < count; row++) {
    const length = Math.exp(1.5 * rng.normal())
    for (let j = 0; j < dim; j++) rows[row * dim + j] = (rng.normal() + (j === 0 ? 1 : 0)) * length
  }
  return rows
}

/** Rows of which most are alike: one point a thousand times, another nearly so, and some noise. */
function crowdedRows(dim: number): Float32Array {
  const rng = new Rng(4)
  return Float32Array.from({ length: 5000 * dim }, (_, i) => {
    const row = Math.floor(i / dim)
    if (row % 5 < 3) return 1
    return row % 5 === 3 ? 2 + rng.uniform() * 1e-3 : rng.normal() * 5
  })
}

const glove = loadGlove()
const SETS: Record<string, { rows: Float32Array | Int8Array; dim: number; metric: Metric }> = {
  'words by cosine': { rows: glove.rows.subarray(0, 6000 * glove.dim), dim: glove.dim, metric: 'cosine' },
  'lengths over decades, by inner product': { rows: lognormalRows(6000, 16), dim: 16, metric: 'ip' },
  'lengths over decades, by l2': { rows: lognormalRows(5000, 6), dim: 6, metric: 'l2' },
  'mostly the same': { rows: crowdedRows(8), dim: 8, metric: 'l2' },
}
const CASES: [keyof typeof SETS, BuildOptions][] = [
  ['words by cosine', { leafSize: 50, copies: 1.5 }],
  ['words by cosine', { slack: 1, copies: 2, leafSize: 50 }],
  ['lengths over decades, by inner product', { slack: 1.2, copies: 1.5, leafSize: 40 }],
  ['lengths over decades, by inner product', { slack: 1, copies: 1, leafSize: 60, arity: 8 }],
  ['lengths over decades, by l2', { slack: 1.05, copies: 3, leafSize: 100 }],
  ['mostly the same', { slack: 1, copies: 1.25, leafSize: 70 }],
  ['mostly the same', { slack: 1.5, copies: 3, leafSize: 30, trees: 2 }],
  ['mostly the same', { slack: 1, copies: 1, leafSize: 16, arity: 3 }],
  // Filled from the root down, where nine rows a leaf are less than 1.2 times the mean of the nodes above.
  ['mostly the same', { preset: 'published', router: 'linear', slack: 1.2, copies: 1.5, leafSize: 8, rounds: 2 }],
]

describe('every tree is sound and balanced', () => {
  test.each(CASES)('%s, %o', async (name, options) => {
    const { rows, dim, metric } = SETS[name]!
    await using index = await BatlIndex.build(rows, { dim, metric, trainer: 'wasm', ...options })
    const snapshot = await snapshotOf(index)
    expectSound(snapshot, options.slack ?? 1.2, options.copies!)
    expect(snapshot.tree.length).toBe(options.trees ?? 1)
    // One arity a level, and about as many leaves as the leaf size asks for.
    expect(snapshot.shape.leafCount).toBe(snapshot.shape.arities.reduce((product, arity) => product * arity, 1))
    const wanted = index.size / (options.leafSize ?? 120)
    expect(snapshot.shape.leafCount).toBeGreaterThan(wanted / 2)
    expect(snapshot.shape.leafCount).toBeLessThan(wanted * (options.arity ?? 2))
    if (options.arity !== undefined) {
      for (const arity of snapshot.shape.arities.slice(0, -1)) expect(arity).toBe(options.arity)
    }
    // stats say the same.
    const sizes = [...snapshot.tree[0]!.leafOffsets].slice(1).map((end, i) => end - snapshot.tree[0]!.leafOffsets[i]!)
    const means = (Math.max(...sizes) * sizes.length) / snapshot.entryCount
    if (snapshot.tree.length === 1) expect(index.stats().largestLeaf).toBeCloseTo(means, 9)
    else expect(index.stats().largestLeaf).toBeGreaterThanOrEqual(means)
  })

  test('rows lie in the order of the first tree, so that a leaf is read in one piece', async () => {
    const rows = clusteredRows(5000, 8)
    await using index = await BatlIndex.build(rows, { dim: 8, trainer: 'wasm', copies: 1 })
    const snapshot = await snapshotOf(index)
    const positions = unpackLeaves(snapshot.tree[0]!, snapshot).flatMap((leaf) => leaf.positions)
    expect(positions).toEqual(Array.from({ length: snapshot.size }, (_, position) => position))
  })

  test('eight levels are built, and an arity that needs more is refused before any work', async () => {
    const rows = clusteredRows(5000, 4)
    const given = { dim: 4, arity: 2, trainer: 'wasm' } as const
    await using index = await BatlIndex.build(rows, { ...given, leafSize: 20, copies: 1.5 })
    expect(index.stats().depth).toBe(8)
    expectSound(await snapshotOf(index), 1.2, 1.5)
    const started = performance.now()
    const error = await failure(() => BatlIndex.build(rows, { ...given, leafSize: 4 }))
    expect(error).toMatchObject({ code: 'BATL_INVALID_ARGUMENT', argument: 'arity' })
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

/** The first rows of a packed file of f16 rows. */
async function firstRows(path: string, count: number): Promise<{ rows: Uint16Array; dim: number }> {
  const parts: Buffer[] = []
  let [length, wanted, dim] = [0, Infinity, 0]
  for await (const part of createReadStream(path).pipe(createGunzip())) {
    parts.push(part as Buffer)
    length += (part as Buffer).length
    if (dim === 0 && length >= 8) {
      dim = Buffer.concat(parts).readUInt32LE(4)
      wanted = 8 + count * dim * 2
    }
    if (length >= wanted) break
  }
  const bytes = Buffer.concat(parts).subarray(8, wanted)
  return { rows: new Uint16Array(new Uint8Array(bytes).buffer), dim }
}

const mips = sharedData('mips-amazon')
const only = mips === undefined ? test.skip : test
only.each([1, 1.2])('items of very different lengths (mips-amazon) at slack %d', async (slack) => {
  const { rows, dim } = await firstRows(`${mips}/base.f16bin.gz`, 12_000)
  const options = { dim, type: 'f16', metric: 'ip', trainer: 'wasm', slack, copies: 1.5, leafSize: 60 } as const
  await using index = await BatlIndex.build(rows, options)
  expectSound(await snapshotOf(index), slack, 1.5)
})
