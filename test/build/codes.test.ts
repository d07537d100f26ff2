import { describe, expect, test } from '@jest/globals'
import { BatlIndex, type BuildOptions, type Metric } from '../../build/index.js'
import { Rng } from '../../build/base/rng.js'
import { blockStride, codeShape, defaultCodeBytes, rotationBlocks } from '../../build/codes/shape.js'
import { viewSnapshot } from '../../build/format/decode.js'
import { readRow } from '../../build/base/matrix.js'
import type { Snapshot } from '../../build/tree/snapshot.js'
import { clusteredRows, searchEach } from '../api/support.js'
import { loadGlove } from '../fixtures/load.js'
import { finiteIn } from '../format/make.js'
import { unpackLeaves, type PlainLeaf } from '../reference/leaves.js'

const glove = loadGlove()

/** Rows whose components hang together, so that a rotation pays. */
function correlatedRows(count: number, dim: number): Float32Array {
  const rng = new Rng(6)
  const rows = new Float32Array(count * dim)
  for (let row = 0; row < count; row++) {
    let before = 0
    for (let j = 0; j < dim; j++) {
      before = 0.95 * before + rng.normal()
      rows[row * dim + j] = before
    }
  }
  return rows
}

async function snapshotOf(index: BatlIndex): Promise<Snapshot> {
  const bytes = index.toBytes()
  return viewSnapshot(bytes, finiteIn(bytes))
}

/** A vector with zeros up to the coded components, rotated as the index says. */
function rotated({ dim, codeBytes, rotated: turned, rotation }: Snapshot, vector: readonly number[]): number[] {
  const shape = codeShape(dim, codeBytes)
  const padded = [...vector, ...new Array<number>(shape.dims - dim).fill(0)]
  if (!turned) return padded
  let at = 0
  return rotationBlocks(shape).flatMap((block) => {
    const { first, size } = block
    const from = at
    at += size * blockStride(block)
    return Array.from({ length: size }, (_, r) =>
      padded
        .slice(first, first + size)
        .reduce((sum, x, j) => sum + x * rotation[from + r * blockStride(block) + j]!, 0),
    )
  })
}

/** The centroid of a leaf and what an entry of it differs by, in the rotated components. */
function partsOf(snapshot: Snapshot, leaf: PlainLeaf, entry: number): [number[], number[]] {
  const { rows, rowType, dim, mean, scales } = snapshot
  const position = leaf.positions[entry]!
  const centroid = leaf.centroid.map((step) => step * leaf.scale)
  const row = Array.from(readRow(rows, position, rowType, dim), (value) => value * (scales[position] ?? 1))
  const difference = row.map((value, j) => value - mean[j]! - centroid[j]!)
  return [rotated(snapshot, centroid), rotated(snapshot, difference)]
}

/** Every entry's sub-codes are the nearest of their codebooks, up to rounding, and its term is that of what they stand for. */
function expectCoded(snapshot: Snapshot): void {
  const { dim, codeBytes, codebooks, termUnit, metric } = snapshot
  const { subs, width } = codeShape(dim, codeBytes)
  const value = (m: number, c: number, j: number): number => codebooks[(m * width + j) * 16 + c]!
  const rng = new Rng(2)
  let coded = 0
  let apart = 0
  let whole = 0
  for (const tree of snapshot.tree) {
    for (const leaf of unpackLeaves(tree, snapshot)) {
      for (let entry = 0; entry < leaf.positions.length; entry++) {
        if (rng.below(8) > 0) continue
        const [centroid, difference] = partsOf(snapshot, leaf, entry)
        const size = Math.sqrt(difference.reduce((sum, x) => sum + x * x, 0)) + 1e-6
        let term = 0
        for (let m = 0; m < subs; m++) {
          const code = leaf.codes[entry]![m]!
          const distances = Array.from({ length: 16 }, (_, c) => {
            let sum = 0
            for (let j = 0; j < width; j++) sum += (difference[m * width + j]! - value(m, c, j)) ** 2
            return sum
          })
          expect(distances[code]! - Math.min(...distances)).toBeLessThanOrEqual(1e-4 * size * size)
          apart += Math.min(...distances)
          for (let j = 0; j < width; j++) term += value(m, code, j) * (2 * centroid[m * width + j]! + value(m, code, j))
        }
        coded++
        whole += size * size
        if (metric !== 'l2') continue
        const magnitude = Math.abs(term) + size * size
        expect(Math.abs(leaf.terms[entry]! * termUnit - term)).toBeLessThanOrEqual(termUnit * 0.51 + 1e-4 * magnitude)
      }
    }
  }
  expect(coded).toBeGreaterThan(500)
  // The codes stand for most of the differences.
  expect(apart / whole).toBeLessThan(0.35)
}

const CASES: { what: string; rows: Float32Array | Int8Array; dim: number; metric: Metric; options: BuildOptions }[] = [
  { what: 'words', rows: glove.rows.subarray(0, 5000 * 100), dim: 100, metric: 'cosine', options: {} },
  { what: 'two trees', rows: clusteredRows(4500, 17) as Float32Array, dim: 17, metric: 'l2', options: { trees: 2 } },
  { what: 'products', rows: clusteredRows(4500, 9) as Float32Array, dim: 9, metric: 'ip', options: { copies: 3 } },
  { what: 'rotated', rows: correlatedRows(5000, 48), dim: 48, metric: 'l2', options: { copies: 1, leafSize: 100 } },
  { what: 'few bytes', rows: correlatedRows(4500, 24), dim: 24, metric: 'ip', options: { codeBytes: 4, copies: 2 } },
]

describe('entries are coded by what is nearest', () => {
  test.each(CASES)('$what', async ({ what, rows, dim, metric, options }) => {
    await using index = await BatlIndex.build(rows, { dim, metric, trainer: 'wasm', ...options })
    const snapshot = await snapshotOf(index)
    expect(snapshot.codeBytes).toBe(options.codeBytes ?? defaultCodeBytes(dim, snapshot.rowType))
    if (what === 'rotated') expect(snapshot.rotated).toBe(true)
    if (metric === 'l2') expect(snapshot.termUnit).toBeGreaterThan(0)
    else expect(snapshot.mean.every((value) => value === 0)).toBe(true)
    expectCoded(snapshot)
  })
})

describe('codeBytes', () => {
  const dim = 24
  const rows = clusteredRows(4600, dim) as Float32Array
  const queries = clusteredRows(40, dim, 'f32', 3) as Float32Array

  test('sets the bytes of a code: more of them leave fewer rows to compare', async () => {
    const settled: number[] = []
    for (const codeBytes of [1, 3, 6, 12]) {
      await using index = await BatlIndex.build(rows, { dim, codeBytes, trainer: 'wasm', copies: 1 })
      const snapshot = await snapshotOf(index)
      expect(snapshot.codeBytes).toBe(codeBytes)
      const records = snapshot.shape.leafCount * (8 + 32) + 4600 * (codeBytes + 2 + 4)
      expect(snapshot.tree[0]!.leaves.length).toBe(records + 32)
      const { leaves } = index.stats()
      const wanted = searchEach(index, queries, { recall: 1 })
      expect(searchEach(index, queries, { probes: leaves, rerank: 4600 })).toEqual(wanted)
      // Recall of the ten best rows by code alone.
      const { ids } = searchEach(index, queries, { probes: leaves, rerank: 10 })
      let same = 0
      for (let q = 0; q < 40; q++) {
        const own = new Set(ids.slice(q * 10, q * 10 + 10))
        for (const id of wanted.ids.slice(q * 10, q * 10 + 10)) if (own.has(id)) same++
      }
      settled.push(same / 400)
    }
    for (let i = 1; i < 4; i++) expect(settled[i]!).toBeGreaterThan(settled[i - 1]!)
    expect(settled[3]!).toBeGreaterThan(0.86)
  })

  test('beyond half of the components is refused before anything is built', async () => {
    await expect(BatlIndex.build(rows, { dim, codeBytes: 13 })).rejects.toMatchObject({
      code: 'BATL_INVALID_ARGUMENT',
      argument: 'codeBytes',
      message: expect.stringMatching(/codeBytes is 13, but at most 12 .* 24 components/),
    })
    expect(() => BatlIndex.estimate({ size: 5000, dim, codeBytes: 13 })).toThrow(/at most 12/)
  })
})

test('rows that are all the same are coded without residuals', async () => {
  await using index = await BatlIndex.build(new Float32Array(4500 * 5).fill(2), { dim: 5, trainer: 'wasm' })
  const { codebooks, rotation, rotated: turned } = await snapshotOf(index)
  expect(turned).toBe(false)
  expect([codebooks, rotation].every((floats) => floats.every(Number.isFinite))).toBe(true)
})
