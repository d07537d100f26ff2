import { stepAt, type StoredType } from '../../build/base/matrix.js'
import type { Metric, Router, RowType } from '../../build/base/options.js'
import { Rng } from '../../build/base/rng.js'
import { BLOCK, blockStride, codeShape, defaultCodeBytes, rotationBlocks } from '../../build/codes/shape.js'
import { mapSnapshot } from '../../build/format/decode.js'
import { seal, writeHeader } from '../../build/format/encode.js'
import { encodeIds, type StringIds } from '../../build/format/ids.js'
import { planLayout } from '../../build/format/layout.js'
import { Pace } from '../../build/format/pace.js'
import { LeafWriter } from '../../build/codes/leaf-writer.js'
import { padded, packRouter, routerFloats, routerTensors, routerViews } from '../../build/tree/router.js'
import { treeShape } from '../../build/tree/shape.js'
import type { IdKind, Snapshot, SnapshotHeader, TreeView } from '../../build/tree/snapshot.js'
import { packSteps } from '../reference/steps.js'

/** What varies between made indexes; `arities: []` is an index without a tree. */
export interface MakeOptions {
  size?: number
  dim?: number
  metric?: Metric
  rowType?: StoredType
  idKind?: IdKind
  router?: Router
  arities?: number[]
  trees?: number
  copies?: number
  rungs?: number
  /** What the reaches of a rung grow by. */
  reach?: number
  /** Default: by the dimension, as a build chooses. */
  codeBytes?: number
  rotated?: boolean
  seed?: number
}

/** Values that are exact in every row type: whole numbers of 0 to 9, and 1 in the first place, so that no row is zero. */
function component(rng: Rng, column: number): number {
  return column === 0 ? 1 : rng.below(10)
}

/** f16 bits of the whole numbers 0 to 9. */
const HALF = [0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x4700, 0x4800, 0x4880]

function fillRows(snapshot: Snapshot, rng: Rng): void {
  const { rows, stride, size, dim, rowType } = snapshot
  if (rowType === 'none') return
  const view = new DataView(rows.buffer, rows.byteOffset, rows.length)
  for (let row = 0; row < size; row++) {
    let norm = 0
    if (rowType === 'i10') {
      fillSteps(snapshot, row, rng)
      continue
    }
    for (let column = 0; column < dim; column++) {
      const value = component(rng, column)
      norm += value * value
      const at = row * stride
      if (rowType === 'f32') view.setFloat32(at + 4 * column, value, true)
      else if (rowType === 'f16') view.setUint16(at + 2 * column, HALF[value]!, true)
      else view.setUint8(at + column, value)
    }
    if (snapshot.scales.length > 0) snapshot.scales[row] = 1 / Math.sqrt(norm)
  }
}

/** A row in steps; as everywhere here, the last positions hold the first rows. */
function fillSteps({ rows, stride, size, dim, scales, units, order }: Snapshot, position: number, rng: Rng): void {
  const row = Array.from({ length: dim }, (_, column) => component(rng, column) * (column % 2 === 0 ? 1 : -1))
  const number = order.length > 0 ? size - 1 - position : position
  units[number] = packSteps(row, rows.subarray(position * stride, (position + 1) * stride))
  const steps = row.map((_, i) => stepAt(rows, position * stride, i))
  scales[position] = 1 / Math.sqrt(steps.reduce((sum, step) => sum + step * step, 0))
}

function fillIds(snapshot: Snapshot, strings: StringIds): void {
  const { ids } = snapshot
  if (ids === undefined) return
  if (!ArrayBuffer.isView(ids)) {
    ids.offsets.set(strings.offsets)
    ids.bytes.set(strings.bytes)
  } else if (snapshot.idKind === 'f64')
    (ids as Float64Array).forEach((_, row) => ((ids as Float64Array)[row] = row * 1.5))
  else (ids as BigInt64Array).forEach((_, row) => ((ids as BigInt64Array)[row] = BigInt(row) - (1n << 40n)))
}

/** Rows dealt to leaves in turn, the copies to the next leaf; leaves of a tree start at another leaf than the tree before. */
function fillTree(snapshot: Snapshot, view: TreeView, tree: number, rng: Rng): void {
  const { size, entryCount, shape, dim, router } = snapshot
  const tensors = routerTensors(router, shape, dim)
  const tables = new Float32Array(routerFloats(tensors))
  for (const [name, table] of routerViews(tensors, tables)) {
    const { cols } = tensors.find((tensor) => tensor.name === name)!
    const used = cols === padded(dim) && !name.startsWith('bias') ? dim : cols
    table.forEach((_, i) => (table[i] = i % cols < used ? rng.normal() : 0))
  }
  packRouter(router, shape, dim, tables, view.router)
  const leaves: number[][] = Array.from({ length: shape.leafCount }, () => [])
  for (let entry = 0; entry < entryCount; entry++) {
    const position = entry % size
    const copy = Math.floor(entry / size)
    leaves[(position + copy + tree) % shape.leafCount]!.push(position)
  }
  let end = 0
  leaves.forEach((positions, leaf) => {
    view.leafOffsets[leaf] = end
    end += positions.length
  })
  view.leafOffsets[shape.leafCount] = end
  const records = new LeafWriter(view, snapshot)
  leaves.forEach((positions, leaf) => {
    records.setPositions(leaf, Uint32Array.from(positions))
    fillLeaf(snapshot, records, leaf, rng)
  })
}

/** Codes that say nothing about their rows: what a search finds among them is only as good as what it reranks. */
function fillLeaf({ dim, metric }: Snapshot, records: LeafWriter, leaf: number, rng: Rng): void {
  const centroid = records.centroid(leaf)
  for (let i = 0; i < dim; i++) centroid[i] = rng.below(255) - 127
  records.setScale(leaf, (1 + rng.below(8)) / 16)
  if (metric === 'l2') records.setBias(leaf, rng.below(1000))
  for (let b = 0; b * BLOCK < records.size(leaf); b++) {
    const columns = records.columns(leaf, b)
    columns.forEach((_, i) => (columns[i] = rng.below(256)))
  }
  if (metric !== 'l2') return
  for (let i = 0; i < records.size(leaf); i++) records.setTerm(leaf, i, rng.below(65_535) - 32_767)
}

/** A mean, codebooks, and as a rotation the components of each block in the opposite order. */
function fillCodec({ dim, metric, mean, rotation, codebooks, rotated, codeBytes }: Snapshot, rng: Rng): void {
  if (metric === 'l2') for (let i = 0; i < dim; i++) mean[i] = rng.below(10)
  codebooks.forEach((_, i) => (codebooks[i] = rng.normal()))
  if (!rotated) return
  let at = 0
  for (const block of rotationBlocks(codeShape(dim, codeBytes))) {
    const stride = blockStride(block)
    for (let i = 0; i < block.size; i++) rotation[at + i * stride + block.size - 1 - i] = 1
    at += block.size * stride
  }
}

function headerOf(options: MakeOptions): SnapshotHeader {
  const { size = 5, dim = 3, metric = 'l2', rowType = 'u8', idKind = 'row', router = 'linear' } = options
  const { arities = [2], copies = 1, rungs = 2, reach = 0, seed = 7, rotated = false } = options
  const depth = arities.length
  const shape = treeShape(arities)
  return {
    size,
    dim,
    metric,
    rowType,
    idKind,
    router,
    shape,
    trees: depth === 0 ? 0 : (options.trees ?? 1),
    entryCount: depth === 0 ? 0 : Math.floor(size * copies),
    rungs: Array.from({ length: rungs }, (_, r) => ({
      probes: Math.min(r + 1, shape.leafCount),
      beamWidth: 1,
      rerank: rowType === 'none' ? 0 : Math.min(r + 1, size),
      k: 10,
      recall: 0.25 + r / 4,
      leafReach: reach * r,
      beamReach: (reach * r) / 2,
      rowReach: (reach * r) / 4,
    })),
    codeBytes: depth === 0 ? 0 : (options.codeBytes ?? defaultCodeBytes(dim, rowType)),
    rotated,
    termUnit: depth > 0 && metric === 'l2' ? 0.25 : 0,
    seed,
    trainer: depth === 0 ? 'none' : 'wasm',
  }
}

/** Strings of one to four bytes a character, and an empty one. */
function stringsOf(size: number): string[] {
  return Array.from({ length: size }, (_, row) => ['', 'a', 'ä', '漢', '🙂'][row % 5]! + (row < 5 ? '' : String(row)))
}

/** A small valid index, sealed: a pure function of the options. */
export async function makeRegion(options: MakeOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const header = headerOf(options)
  const strings = await encodeIds(stringsOf(header.size), new Pace())
  const layout = planLayout(header, strings.bytes.length)
  const region = new Uint8Array(layout.length)
  writeHeader(region, header, layout)
  const snapshot = mapSnapshot(region, header, layout)
  const rng = new Rng(header.seed)
  fillRows(snapshot, rng)
  fillIds(snapshot, strings)
  if (snapshot.order.length > 0)
    snapshot.order.forEach((_, position) => (snapshot.order[position] = header.size - 1 - position))
  if (snapshot.tree.length > 0) fillCodec(snapshot, rng)
  snapshot.tree.forEach((view, tree) => fillTree(snapshot, view, tree, rng))
  await seal(region)
  return region
}

/** Whether rows of a region are finite: what the kernels answer in the library. */
export function finiteIn(region: Uint8Array): (type: RowType, offset: number, bytes: number) => boolean {
  const view = new DataView(region.buffer, region.byteOffset, region.length)
  return (type, offset, bytes) => {
    for (let at = offset; at < offset + bytes; at += type === 'f32' ? 4 : 2) {
      if (
        type === 'f32' ? !Number.isFinite(view.getFloat32(at, true)) : (view.getUint16(at, true) & 0x7c00) === 0x7c00
      ) {
        return false
      }
    }
    return true
  }
}

/**
 * Names and options of the files in `fixtures/v1`. Once a version is released its files are kept for ever: change nothing,
 * add a folder for a new version.
 */
export const FIXTURES_V1: Readonly<Record<string, MakeOptions>> = {
  exact: { size: 2, dim: 3, arities: [], rungs: 0 },
  linear: { size: 7, dim: 5, rowType: 'f16', metric: 'cosine', idKind: 'string', arities: [2, 2], copies: 1.5 },
  residual: { size: 6, dim: 4, rowType: 'f32', metric: 'ip', idKind: 'f64', router: 'residual', trees: 2, copies: 2 },
  steps: { size: 5, dim: 70, rowType: 'i10', metric: 'cosine', idKind: 'f64', arities: [3], copies: 2 },
  codes: { size: 9, dim: 6, rowType: 'none', idKind: 'string', arities: [2, 2], copies: 1.5 },
  bigints: { size: 6, dim: 17, rowType: 'i8', idKind: 'i64', arities: [2, 3], codeBytes: 3, rotated: true },
}
