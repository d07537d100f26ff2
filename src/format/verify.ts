import { COMPONENT_BYTES, rowRoom, stepAt, type KeptType } from '../base/matrix.js'
import { FormatError } from '../base/errors.js'
import type { RowType } from '../base/options.js'
import type { Snapshot } from '../tree/snapshot.js'
import { Leaves } from '../codes/leaves.js'
import { storedTableBytes, storedTensors } from '../tree/router.js'
import { IdTable, type StoredIds, type StringIds } from './ids.js'
import type { Pace } from './pace.js'

/**
 * Whether all components of rows are finite: `bytes` bytes at byte `offset` of the region, padding included.
 * Integer rows are never asked about.
 */
export type FiniteCheck = (type: RowType, offset: number, bytes: number) => boolean

/** Values handled between two looks at the clock. */
const BLOCK = 1 << 15
/** Bytes of rows checked in one call of a kernel. */
const ROW_BLOCK = 1 << 20
/** Products of tables and queries must stay far from the end of f32. */
const MODERATE = 1e30

const REMEDY = 'the file is damaged or was not written by batl, build it again'

function refuse(
  section: string,
  message: string,
  view: ArrayBufferView,
  base: number,
  index: number,
  width = 4,
): never {
  throw new FormatError(`section ${section}: ${message}; ${REMEDY}`, view.byteOffset - base + width * index)
}

/** Run `body` over [0, count) in blocks, with turns of the event loop in between. */
async function inBlocks(
  count: number,
  block: number,
  pace: Pace,
  body: (start: number, end: number) => void,
): Promise<void> {
  for (let start = 0; start < count; start += block) {
    body(start, Math.min(count, start + block))
    await pace.turn()
  }
}

/** The first byte of a row's padding that is not zero, or -1. */
function paddingOf(rows: Uint8Array, start: number, stride: number, type: KeptType, dim: number): number {
  if (type === 'i10') {
    for (let i = dim; i < rowRoom(type, dim); i++) if (stepAt(rows, start, i) !== 0) return start
    return -1
  }
  for (let i = start + dim * COMPONENT_BYTES[type]; i < start + stride; i++) if (rows[i] !== 0) return i
  return -1
}

/** Rows are finite, and the padding of each row is zero. `base` is where the region starts in its buffer. */
export async function verifyRows(snapshot: Snapshot, base: number, finite: FiniteCheck, pace: Pace): Promise<void> {
  const { rows, stride, size, rowType, dim } = snapshot
  if (rowType === 'none') return
  const perBlock = Math.max(1, Math.floor(ROW_BLOCK / stride))
  const floating = rowType === 'f32' || rowType === 'f16'
  await inBlocks(size, perBlock, pace, (start, end) => {
    if (floating && !finite(rowType, rows.byteOffset - base + start * stride, (end - start) * stride)) {
      refuse('rows', `a component of rows ${start} to ${end - 1} is not finite`, rows, base, start * stride, 1)
    }
    for (let row = start; row < end; row++) {
      const at = paddingOf(rows, row * stride, stride, rowType, dim)
      if (at >= 0) refuse('rows', `the padding of row ${row} is not zero`, rows, base, at, 1)
    }
  })
}

/** Reciprocal norms are finite and above zero, and so are the units of steps. */
export async function verifyScales({ scales, units }: Snapshot, base: number, pace: Pace): Promise<void> {
  await verifyFloats('units', units, base, pace)
  await inBlocks(scales.length, BLOCK, pace, (start, end) => {
    for (let i = start; i < end; i++) {
      const scale = scales[i]!
      if (!(scale > 0 && scale < Infinity)) {
        refuse(
          'scales',
          `the reciprocal norm at position ${i} is ${scale}, but must be finite and above 0`,
          scales,
          base,
          i,
        )
      }
    }
  })
}

/** Every row number below `size` stands once in `order`. */
export async function verifyOrder({ order, size }: Snapshot, base: number, pace: Pace): Promise<void> {
  const seen = new Uint8Array(order.length > 0 ? Math.ceil(size / 8) : 0)
  await inBlocks(order.length, BLOCK, pace, (start, end) => {
    for (let i = start; i < end; i++) {
      const row = order[i]!
      if (row >= size) refuse('order', `position ${i} holds row ${row}, but there are ${size}`, order, base, i)
      const bit = 1 << (row & 7)
      if (seen[row >>> 3]! & bit) refuse('order', `row ${row} has two positions, one of them ${i}`, order, base, i)
      seen[row >>> 3]! |= bit
    }
  })
}

function verifyOffsets(
  section: string,
  offsets: Uint32Array,
  last: number,
  base: number,
  from: number,
  to: number,
): void {
  if (from === 0 && offsets[0] !== 0)
    refuse(section, `starts with ${offsets[0]}, but must start with 0`, offsets, base, 0)
  for (let i = Math.max(1, from); i < to; i++) {
    if (offsets[i]! < offsets[i - 1]!)
      refuse(section, `falls from ${offsets[i - 1]} to ${offsets[i]} at ${i}`, offsets, base, i)
  }
  const end = offsets.length - 1
  if (to > end && offsets[end] !== last) {
    refuse(section, `ends with ${offsets[end]}, but must end with ${last}`, offsets, base, end)
  }
}

/** Floats are finite and moderate. */
async function verifyFloats(section: string, values: Float32Array, base: number, pace: Pace): Promise<void> {
  await inBlocks(values.length, BLOCK, pace, (start, end) => {
    for (let i = start; i < end; i++) {
      const value = values[i]!
      if (!(Math.abs(value) <= MODERATE)) {
        refuse(section, `float ${i} is ${value}, but must be finite and at most ${MODERATE}`, values, base, i)
      }
    }
  })
}

/** Every float table of a router holds moderate numbers, and zeros are in the padding of all. */
async function verifyRouter(snapshot: Snapshot, tree: number, base: number, pace: Pace): Promise<void> {
  const { router } = snapshot.tree[tree]!
  const section = `router of tree ${tree}`
  let start = 0
  for (const tensor of storedTensors(snapshot.router, snapshot.shape, snapshot.dim)) {
    const { name, rows, cols, type } = tensor
    const end = start + storedTableBytes(tensor)
    const used = start + rows * cols * (type === 'f32' ? 4 : 1)
    if (type === 'f32') {
      await verifyFloats(section, new Float32Array(router.buffer, router.byteOffset + start, rows * cols), base, pace)
    }
    for (let i = used; i < end; i++) {
      if (router[i] !== 0) refuse(section, `the padding of table ${name} is not zero`, router, base, i, 1)
    }
    start = end
  }
}

/** What codes are made with: moderate numbers. */
export async function verifyCodec(snapshot: Snapshot, base: number, pace: Pace): Promise<void> {
  const { mean, rotation, codebooks, rotated } = snapshot
  await verifyFloats('mean', mean, base, pace)
  await verifyFloats('rotation', rotation, base, pace)
  await verifyFloats('codebooks', codebooks, base, pace)
  if (!rotated && rotation.some((value) => value !== 0)) {
    refuse('rotation', 'it is not zero, but meta says that nothing is rotated', rotation, base, 0)
  }
}

/** What records say of their leaves is moderate; zeros are in the padding of centroids, and after the last record. */
async function verifyHeads(snapshot: Snapshot, tree: number, base: number, pace: Pace): Promise<void> {
  const { leaves: bytes } = snapshot.tree[tree]!
  const leaves = new Leaves(snapshot.tree[tree]!, snapshot)
  const section = `leaves of tree ${tree}`
  await inBlocks(leaves.count, BLOCK, pace, (start, end) => {
    for (let leaf = start; leaf < end; leaf++) {
      const centroid = leaves.centroid(leaf)
      const [scale, bias] = [leaves.scale(leaf), leaves.bias(leaf)]
      if (!(Math.abs(scale) <= MODERATE && Math.abs(bias) <= MODERATE)) {
        const message = `scale and bias of leaf ${leaf} are ${scale} and ${bias}, but must be finite and at most ${MODERATE}`
        refuse(section, message, centroid, base, 0)
      }
      for (let i = snapshot.dim; i < centroid.length; i++) {
        if (centroid[i] !== 0)
          refuse(section, `the padding of leaf ${leaf}'s centroid is not zero`, centroid, base, i, 1)
      }
    }
  })
  for (let i = leaves.start(leaves.count); i < bytes.length; i++) {
    if (bytes[i] !== 0) refuse(section, 'a byte after the last leaf is not zero', bytes, base, i, 1)
  }
}

/** Each position is below `size`, at least once in the tree and at most once in a leaf. */
async function verifyPositions(snapshot: Snapshot, tree: number, base: number, pace: Pace): Promise<void> {
  const { size, entryCount } = snapshot
  const { leaves: bytes, leafOffsets } = snapshot.tree[tree]!
  const leaves = new Leaves(snapshot.tree[tree]!, snapshot)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const section = `leaves of tree ${tree}`
  /** The last leaf, counted from 1, in which each position was met. */
  const met = new Uint32Array(size)
  let leaf = -1
  let last = 0
  let at = 0
  let distinct = 0
  await inBlocks(entryCount, BLOCK, pace, (start, end) => {
    for (let i = start; i < end; i++) {
      while (i >= last) {
        last = leafOffsets[++leaf + 1]!
        at = leaves.positionsAt(leaf)
      }
      const position = view.getUint32(at, true)
      if (position >= size) {
        refuse(section, `leaf ${leaf} holds position ${position}, but there are ${size} rows`, bytes, base, at, 1)
      }
      if (met[position] === leaf + 1)
        refuse(section, `position ${position} stands twice in leaf ${leaf}`, bytes, base, at, 1)
      if (met[position] === 0) distinct++
      met[position] = leaf + 1
      at += 4
    }
  })
  if (distinct === size) return
  refuse(section, `position ${met.indexOf(0)} stands in no leaf`, bytes, base, 0, 1)
}

/** Router, leaf offsets and leaves of each tree. */
export async function verifyTrees(snapshot: Snapshot, base: number, pace: Pace): Promise<void> {
  for (const [tree, { leafOffsets }] of snapshot.tree.entries()) {
    await verifyRouter(snapshot, tree, base, pace)
    await inBlocks(leafOffsets.length, BLOCK, pace, (start, end) =>
      verifyOffsets(`leafOffsets of tree ${tree}`, leafOffsets, snapshot.entryCount, base, start, end),
    )
    await verifyHeads(snapshot, tree, base, pace)
    await verifyPositions(snapshot, tree, base, pace)
  }
}

/** UTF-8 throughout, and no id starts within a character: so each id is well-formed by itself. */
async function verifyText({ offsets, bytes }: StringIds, base: number, pace: Pace): Promise<void> {
  await inBlocks(offsets.length, BLOCK, pace, (start, end) => {
    verifyOffsets('idOffsets', offsets, bytes.length, base, start, end)
    for (let row = start; row < Math.min(end, offsets.length - 1); row++) {
      if (((bytes[offsets[row]!] ?? 0) & 0xc0) === 0x80)
        refuse('idOffsets', `id ${row} starts within a character`, offsets, base, row)
    }
  })
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  await inBlocks(bytes.length, BLOCK, pace, (start, end) => {
    try {
      // A copy, since browsers decode no view of shared memory.
      decoder.decode(bytes.slice(start, end), { stream: end < bytes.length })
    } catch {
      refuse('idBytes', `bytes ${start} to ${end - 1} are not UTF-8`, bytes, base, start, 1)
    }
  })
}

async function verifyNumbers(ids: Float64Array, base: number, pace: Pace): Promise<void> {
  await inBlocks(ids.length, BLOCK, pace, (start, end) => {
    for (let row = start; row < end; row++) {
      if (!Number.isFinite(ids[row]))
        refuse('ids', `the id of row ${row} is ${ids[row]}, but must be finite`, ids, base, row, 8)
    }
  })
}

/** Ids are of their kind and each stands once. */
export async function verifyIds(ids: StoredIds | undefined, base: number, pace: Pace): Promise<void> {
  if (ids === undefined) return
  if (!ArrayBuffer.isView(ids)) await verifyText(ids, base, pace)
  else if (ids[Symbol.toStringTag] === 'Float64Array') await verifyNumbers(ids as Float64Array, base, pace)
  await IdTable.build(ids, pace, (row, first) => {
    const [view, width] = ArrayBuffer.isView(ids) ? [ids, 8] : [ids.offsets, 4]
    const section = ArrayBuffer.isView(ids) ? 'ids' : 'idOffsets'
    return new FormatError(
      `section ${section}: rows ${first} and ${row} have the same id; ${REMEDY}`,
      view.byteOffset - base + width * row,
    )
  })
}
