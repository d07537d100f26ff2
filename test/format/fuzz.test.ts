import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { viewSnapshot } from '../../build/format/decode.js'
import { ENTRY, ENTRY_BYTES, HEADER, HEADER_BYTES, KIND, META, TABLE_END } from '../../build/format/layout.js'
import { LeafWriter } from '../../build/codes/leaf-writer.js'
import { storedTableBytes, storedTensors } from '../../build/tree/router.js'
import type { Snapshot, TreeView } from '../../build/tree/snapshot.js'
import { alterRegion, BASES, repair } from './alter.js'
import { finiteIn, makeRegion, type MakeOptions } from './make.js'

const CASES = 6000

function routerFloat({ router }: TreeView, offset: number): Float32Array {
  return new Float32Array(router.buffer, router.byteOffset + offset, 4)
}

function moderate(values: Float32Array | number[]): boolean {
  return values.every((value) => Math.abs(value) <= 1e30)
}

/** The float tables of a router. */
function routerFloats({ router, shape, dim }: Snapshot, { router: bytes }: TreeView): Float32Array[] {
  let at = bytes.byteOffset
  return storedTensors(router, shape, dim).flatMap((tensor) => {
    const floats = tensor.type === 'f32' ? [new Float32Array(bytes.buffer, at, tensor.rows * tensor.cols)] : []
    at += storedTableBytes(tensor)
    return floats
  })
}

/** The leaves of the first tree. */
const records = (snapshot: Snapshot): LeafWriter => new LeafWriter(snapshot.tree[0]!, snapshot)

/** What a search relies on, checked without the code under test. */
function expectSound(snapshot: Snapshot, regionLength: number): void {
  const { size, dim, rows, order, tree, ids, entryCount, shape, rungs, scales, units, codeBytes, rowType } = snapshot
  const kept = rowType === 'none' ? 0 : size
  const sound: [string, boolean][] = [
    ['size', size >= 1 && dim >= 1 && rows.length === size * snapshot.stride && rows.length <= regionLength],
    ['order', order.length === (tree.length > 0 ? size : 0)],
    ['permutation', [...order].sort((a, b) => a - b).every((row, i) => row === i)],
    ['rows', rowType !== 'none' || tree.length > 0],
    ['scales', scales.length === (snapshot.metric === 'cosine' ? kept : 0)],
    ['scale', [...scales].every((scale) => Number.isFinite(scale) && scale > 0)],
    ['units', units.length === (rowType === 'i10' ? size : 0) && moderate(units)],
    ['steps', rowType !== 'i10' || snapshot.metric === 'cosine'],
    ['rungs', rungs.every(({ probes, beamWidth }) => probes >= 1 && probes <= shape.leafCount && beamWidth >= 1)],
    ['rerank', rungs.every(({ rerank }) => rerank >= Math.min(1, kept) && rerank <= kept)],
    ['k', rungs.every(({ k }) => [1, 10, 100].includes(k))],
    ['recall', rungs.every(({ recall }) => recall >= 0 && recall <= 1)],
    ['codes', tree.length === 0 ? codeBytes === 0 : codeBytes >= 1 && codeBytes <= Math.ceil(dim / 2)],
    ['term unit', snapshot.termUnit >= 0 && Number.isFinite(snapshot.termUnit)],
    ['codec', [snapshot.mean, snapshot.rotation, snapshot.codebooks].every((floats) => moderate(floats))],
    ['leaves', shape.arities.reduce((product, arity) => product * arity, 1) === shape.leafCount],
  ]
  for (const view of tree) {
    const { leafOffsets } = view
    sound.push(['router', routerFloats(snapshot, view).every(moderate)])
    sound.push(['offsets', leafOffsets.length === shape.leafCount + 1 && leafOffsets[0] === 0])
    sound.push(['last offset', leafOffsets[shape.leafCount] === entryCount])
    const head = 8 + Math.ceil(dim / 16) * 16
    const each = codeBytes + (snapshot.metric === 'l2' ? 2 : 0) + 4
    sound.push(['records', view.leaves.length === shape.leafCount * head + entryCount * each + 32])
    const bytes = new DataView(view.leaves.buffer, view.leaves.byteOffset, view.leaves.length)
    const met = new Set<number>()
    for (let leaf = 0; leaf < shape.leafCount; leaf++) {
      const [first, last] = [leafOffsets[leaf]!, leafOffsets[leaf + 1]!]
      const [start, end] = [leaf, leaf + 1].map((l) => l * head + leafOffsets[l]! * each)
      sound.push(['scale and bias', moderate([0, 4].map((at) => bytes.getFloat32(start! + at, true)))])
      const members = Array.from({ length: last - first }, (_, i) =>
        bytes.getUint32(end! - 4 * (last - first - i), true),
      )
      sound.push(['leaf', first <= last && new Set(members).size === members.length])
      for (const position of members) met.add(position)
    }
    sound.push(['all rows', met.size === size && Math.max(...met) === size - 1])
  }
  const seen = new Set<unknown>()
  if (ids !== undefined && 'bytes' in ids) {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    for (let row = 0; row < size; row++)
      seen.add(decoder.decode(ids.bytes.subarray(ids.offsets[row], ids.offsets[row + 1])))
  } else if (ids !== undefined) for (const id of ids) seen.add(id)
  sound.push(['ids', ids === undefined || seen.size === size])
  expect(sound.filter(([, holds]) => !holds)).toEqual([])
}

describe('altered fields with repaired checksums', () => {
  test(`give a FormatError, a VersionError or a sound index, in ${CASES} cases`, async () => {
    const bases = await Promise.all(BASES.map((options) => makeRegion(options)))
    const rng = new Rng(20_260_101)
    const counts: Record<string, number> = {}
    for (let i = 0; i < CASES; i++) {
      const region = bases[i % bases.length]!.slice()
      await alterRegion(region, rng)
      let result = 'sound'
      try {
        expectSound(await viewSnapshot(region, finiteIn(region)), region.length)
      } catch (error) {
        result = (error as Error).name
        if (result !== 'FormatError' && result !== 'VersionError')
          throw new Error(`case ${i}: ${String(error)}`, { cause: error })
        if (result === 'FormatError') {
          const { offset, message } = error as Error & { offset: number }
          expect(offset).toBeGreaterThanOrEqual(0)
          expect(offset).toBeLessThanOrEqual(region.length)
          expect(message).toMatch(/; .*(again|file)/)
        }
      }
      counts[result] = (counts[result] ?? 0) + 1
    }
    // The fuzzer reaches past the first checks, and alters things that may be altered.
    expect(counts.FormatError).toBeGreaterThan(CASES / 4)
    expect(counts.VersionError).toBeGreaterThan(10)
    expect(counts.sound).toBeGreaterThan(CASES / 20)
  })

  test('never make it take memory for what the file does not hold', async () => {
    const region = await makeRegion({ size: 8, idKind: 'f64', arities: [2, 2] })
    const view = new DataView(region.buffer)
    const lies: [number, number][] = [
      [META.size.offset, 0xffffffff],
      [META.dim.offset, 65_536],
      [META.arities.offset, 0x3fffffff],
      [META.entryCount.offset, 24],
      [META.entryCount.offset, 0xffffffff],
      [META.rungCount.offset, 0xffffffff],
    ]
    const before = process.memoryUsage().arrayBuffers
    for (const [field, value] of lies) {
      const old = view.getUint32(TABLE_END + field, true)
      view.setUint32(TABLE_END + field, value, true)
      await repair(region)
      const error: unknown = await viewSnapshot(region, finiteIn(region)).catch((refused: unknown) => refused)
      expect(error).toMatchObject({ code: 'BATL_FORMAT' })
      view.setUint32(TABLE_END + field, old, true)
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * region.length)
    await repair(region)
    await expect(viewSnapshot(region, finiteIn(region))).resolves.toMatchObject({ size: 8 })
  })
})

describe('contents that only a full check finds', () => {
  const options: MakeOptions = {
    size: 7,
    dim: 5,
    rowType: 'f16',
    metric: 'cosine',
    idKind: 'string',
    arities: [2, 2],
    copies: 1.5,
  }
  const cases: [string, (snapshot: Snapshot) => void, RegExp][] = [
    ['a row twice in order', ({ order }) => void (order[0] = order[1]!), /section order: row 5 has two positions/],
    ['a row beyond the end in order', ({ order }) => void (order[3] = 7), /section order: position 3 holds row 7/],
    [
      'leaf offsets that fall',
      ({ tree }) => void (tree[0]!.leafOffsets[1] = 6),
      /leafOffsets of tree 0: falls from 6 to 5/,
    ],
    ['leaf offsets that start late', ({ tree }) => void (tree[0]!.leafOffsets[0] = 1), /must start with 0/],
    ['leaf offsets that end early', ({ tree }) => void (tree[0]!.leafOffsets[4] = 9), /must end with 10/],
    [
      'a position beyond the rows',
      (snapshot) => records(snapshot).setPositions(1, Uint32Array.of(7)),
      /leaves of tree 0: leaf 1 holds position 7, but there are 7 rows/,
    ],
    [
      'a row twice in a leaf',
      (snapshot) => records(snapshot).setPositions(0, Uint32Array.of(0, 0)),
      /position 0 stands twice in leaf 0/,
    ],
    [
      'a row in no leaf',
      (snapshot) => records(snapshot).setPositions(0, Uint32Array.of(0, 6)),
      /position 4 stands in no leaf/,
    ],
    // Tables of the first level, each padded to 64 bytes: rows in steps, their scales, their biases.
    [
      'a router that is not finite',
      ({ tree }) => void routerFloat(tree[0]!, 64).fill(Infinity, 1, 2),
      /section router of tree 0: float 1 is Infinity/,
    ],
    ['a router that is too large', ({ tree }) => void routerFloat(tree[0]!, 128).fill(2e30, 0, 1), /at most 1e\+30/],
    ['router padding', ({ tree }) => void (tree[0]!.router[32] = 1), /padding of table level 0 is not zero/],
    ['a mean that is not finite', ({ mean }) => void (mean[4] = NaN), /section mean: float 4 is NaN/],
    ['a codebook that is too large', ({ codebooks }) => void (codebooks[7] = -2e30), /section codebooks: float 7/],
    [
      'a rotation where nothing is rotated',
      ({ rotation }) => void (rotation[5] = 1),
      /section rotation: it is not zero/,
    ],
    [
      'a centroid scale that is not finite',
      (snapshot) => records(snapshot).setScale(2, Infinity),
      /leaves of tree 0: scale and bias of leaf 2 are Infinity and 0/,
    ],
    [
      'a centroid bias that is not finite',
      (snapshot) => records(snapshot).setBias(3, NaN),
      /leaves of tree 0: scale and bias of leaf 3 are .* and NaN/,
    ],
    [
      'centroid padding',
      (snapshot) => void (records(snapshot).centroid(1)[5] = 1),
      /the padding of leaf 1's centroid is not zero/,
    ],
    ['a byte after the last leaf', ({ tree }) => void tree[0]!.leaves.fill(1, -1), /a byte after the last leaf is not/],
    ['a NaN in a row', ({ rows }) => void rows.set([0xff, 0x7e], 2 * 16 + 2), /section rows: .* not finite/],
    ['row padding', ({ rows }) => void (rows[15] = 1), /padding of row 0 is not zero/],
    ['a scale of zero', ({ scales }) => void (scales[6] = 0), /section scales: float 6 is 0, but must be .* above 0/],
    ['bytes that are no UTF-8', ({ ids }) => void ((ids as { bytes: Uint8Array }).bytes[1] = 0xff), /not UTF-8/],
    [
      'an id within a character',
      ({ ids }) => void ((ids as { offsets: Uint32Array }).offsets[3] = 2),
      /id 3 starts within a character/,
    ],
  ]

  test.each(cases)('%s', async (_, change, message) => {
    const region = await makeRegion(options)
    change(await viewSnapshot(region, finiteIn(region)))
    await repair(region)
    const error: unknown = await viewSnapshot(region, finiteIn(region)).catch((refused: unknown) => refused)
    expect(error).toMatchObject({ code: 'BATL_FORMAT', message: expect.stringMatching(message) })
  })

  test.each([
    [
      'a step after the last component',
      ({ rows }) => void (rows[80 + 2] = 1),
      /section rows: the padding of row 0 is not zero/,
    ],
    [
      'low bits after the last component',
      ({ rows }) => void (rows[80 + 64 + 15] = 1),
      /section rows: the padding of row 0 is not zero/,
    ],
    ['a unit that is not finite', ({ units }) => void (units[3] = NaN), /section units: float 3 is NaN/],
    ['a unit that is too large', ({ units }) => void (units[0] = 2e30), /section units: float 0/],
  ] as [string, (snapshot: Snapshot) => void, RegExp][])('in rows of steps: %s', async (_, change, message) => {
    const region = await makeRegion({ size: 6, dim: 66, rowType: 'i10', metric: 'cosine', arities: [2] })
    change(await viewSnapshot(region, finiteIn(region)))
    await repair(region)
    const error: unknown = await viewSnapshot(region, finiteIn(region)).catch((refused: unknown) => refused)
    expect(error).toMatchObject({ code: 'BATL_FORMAT', message: expect.stringMatching(message) })
  })

  test('ids that are equal, as strings and as numbers', async () => {
    const strings = await makeRegion(options)
    const { offsets, bytes } = (await viewSnapshot(strings, finiteIn(strings))).ids as {
      offsets: Uint32Array
      bytes: Uint8Array
    }
    bytes[offsets[5]!] = bytes[offsets[1]!]!
    await repair(strings)
    await expect(viewSnapshot(strings, finiteIn(strings))).rejects.toThrow(/rows 1 and 5 have the same id/)
    const numbers = await makeRegion({ size: 4, idKind: 'f64' })
    const values = (await viewSnapshot(numbers, finiteIn(numbers))).ids as Float64Array
    values[3] = -0
    await repair(numbers)
    await expect(viewSnapshot(numbers, finiteIn(numbers))).rejects.toThrow(/rows 0 and 3 have the same id/)
    values[3] = NaN
    await repair(numbers)
    await expect(viewSnapshot(numbers, finiteIn(numbers))).rejects.toThrow(/section ids: float 3 is NaN/)
  })

  test('a section of an unknown kind is skipped, a known one too many is not', async () => {
    const region = await makeRegion({ size: 5, dim: 3, arities: [], rungs: 0 })
    const longer = new Uint8Array(region.length + 64)
    longer.set(region)
    const view = new DataView(longer.buffer)
    const entry = HEADER_BYTES + 2 * ENTRY_BYTES
    view.setUint32(HEADER.sectionCount.offset, 3, true)
    view.setBigUint64(HEADER.fileLength.offset, BigInt(longer.length), true)
    view.setBigUint64(entry + ENTRY.offset.offset, BigInt(region.length), true)
    view.setBigUint64(entry + ENTRY.length.offset, 20n, true)
    longer.fill(7, region.length, region.length + 20)
    for (const [kind, minor, wanted] of [
      [999, 0, 'size'],
      [999, 9, 'size'],
      [KIND.order, 0, 'does not belong here'],
    ] as const) {
      view.setUint32(entry, kind, true)
      view.setUint16(HEADER.minor.offset, minor, true)
      await repair(longer)
      const result: unknown = await viewSnapshot(longer, finiteIn(longer)).catch((refused: unknown) => refused)
      expect(result).toMatchObject(wanted === 'size' ? { size: 5 } : { message: expect.stringContaining(wanted) })
    }
  })
})
