import { mostCodeBytes } from '../codes/shape.js'
import { routerTensors } from '../tree/router.js'
import { treeShape } from '../tree/shape.js'
import { MAX_RUNGS, MOST_COPIES, TUNED_K, type Rung, type SnapshotHeader } from '../tree/snapshot.js'
import { checkZero, damaged } from './damage.js'
import {
  CODES,
  MAX_DIM,
  MAX_LEVELS,
  MAX_TREES,
  META,
  META_BYTES,
  readFields,
  RUNG,
  RUNG_BYTES,
  type Field,
} from './layout.js'

const U32_MAX = 2 ** 32 - 1
/** Node numbers and table sizes are computed in 32-bit integers elsewhere: nothing larger may get past the door. */
const MAX_LEAVES = 2 ** 31 - 1
const MAX_TABLE_FLOATS = 2 ** 31 - 16

/** Checks of the values of a structure's fields. */
interface Checks<Name extends string> {
  /** Refuse a value unless `holds`. */
  holds(name: Name, holds: boolean, wanted: string, value?: unknown, label?: string): void
  /** Refuse what is no integer from `low` to `high`; `note` says to errors where that holds. */
  range(name: Name, low: number, high: number, note?: string): void
  /** Refuse what is below 0 or no finite number. */
  finite(name: Name): void
}

/**
 * @param at - where the structure starts in the file.
 * @param title - what errors put before the names of its fields.
 */
function checksOf<Fields extends Readonly<Record<string, Field>>>(
  at: number,
  fields: Fields,
  values: { readonly [K in keyof Fields]?: unknown },
  title = '',
): Checks<keyof Fields & string> {
  type Own = Checks<keyof Fields & string>
  const holds: Own['holds'] = (name, holds, wanted, value = values[name], label = name) => {
    if (holds) return
    const { offset } = fields[name]!
    throw damaged(`section meta: ${title}${label} is ${String(value)}, but must be ${wanted}`, at + offset)
  }
  const range: Own['range'] = (name, low, high, note = '') => {
    const value = values[name] as number
    const fits = Number.isInteger(value) && value >= low && value <= high
    holds(name, fits, `${low === high ? low : `${low} to ${high}`}${note}`)
  }
  const finite: Own['finite'] = (name) => {
    const value = values[name] as number
    holds(name, value >= 0 && value < Infinity, 'finite and at least 0')
  }
  return { holds, range, finite }
}

type MetaChecks = Checks<keyof typeof META>

function checkScalars({ size, dim, metric, rowType, shape }: SnapshotHeader, check: MetaChecks): void {
  check.range('size', 1, U32_MAX)
  check.range('dim', 1, MAX_DIM)
  check.range('depth', 0, MAX_LEVELS)
  check.range('seed', -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  // Without levels there is nothing of a tree.
  const some = Math.min(1, shape.arities.length)
  const note = some > 0 ? '' : ' without levels'
  check.range('trees', some, some * MAX_TREES, note)
  check.range('entryCount', some * size, some * Math.min(size * MOST_COPIES, U32_MAX), note)
  check.range('codeBytes', some, some * mostCodeBytes(dim), note)
  check.holds('rowType', some > 0 || rowType !== 'none', 'another without levels')
  check.holds('rowType', rowType !== 'i10' || metric === 'cosine', 'another unless metric is cosine')
  check.finite('termUnit')
}

function checkShape({ shape, router, dim }: SnapshotHeader, { holds }: MetaChecks): void {
  const { arities, leafCount } = shape
  for (const arity of arities) holds('arities', arity >= 2, '2 or more', arity, 'an arity')
  holds('arities', leafCount <= MAX_LEAVES, `at most ${MAX_LEAVES}`, leafCount, 'the product of the arities')
  if (arities.length === 0) return
  for (const { name, rows, cols } of routerTensors(router, shape, dim)) {
    const floats = rows * cols
    holds('arities', floats <= MAX_TABLE_FLOATS, `at most ${MAX_TABLE_FLOATS}`, floats, `floats of table ${name}`)
  }
}

function checkRungs({ rungs, shape, size, rowType }: SnapshotHeader, at: number): void {
  let before: Rung | undefined
  for (const [r, rung] of rungs.entries()) {
    const { k, recall } = rung
    const check = checksOf(at + r * RUNG_BYTES, RUNG, rung, `rung ${r}: `)
    check.range('probes', 1, shape.leafCount)
    check.range('beamWidth', 1, shape.leafCount)
    if (rowType === 'none') check.range('rerank', 0, 0, ' without rows')
    else check.range('rerank', 1, size, ' = size')
    const known = TUNED_K.some((tuned) => tuned === k) && k >= (before?.k ?? 0)
    check.holds('k', known, `one of ${TUNED_K.join(', ')}, not below that of the rung before`)
    const least = before?.k === k ? before.recall : 0
    check.holds('recall', recall >= least && recall <= 1, `${least} to 1`)
    check.finite('leafReach')
    check.finite('beamReach')
    check.finite('rowReach')
    before = rung
  }
}

/**
 * Check the ranges of all scalars and rungs.
 * @param at - the offset of the section `meta`, for the error.
 * @throws {FormatError} BATL_FORMAT that names the field.
 */
export function checkHeader(header: SnapshotHeader, at: number): void {
  const { shape, rungs } = header
  const check = checksOf(at, META, { ...header, depth: shape.arities.length, rungCount: rungs.length })
  check.range('rungCount', 0, MAX_RUNGS)
  checkScalars(header, check)
  checkShape(header, check)
  checkRungs(header, at + META.rungs.offset)
}

function codeOf<T extends string>(names: readonly T[], value: T): number {
  return names.indexOf(value)
}

/** Write the whole section, unused places as zeros. The header is one that `checkHeader` accepts. */
export function writeMeta(bytes: Uint8Array, header: SnapshotHeader): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, META_BYTES)
  bytes.fill(0, 0, META_BYTES)
  view.setUint32(META.size.offset, header.size, true)
  view.setUint32(META.dim.offset, header.dim, true)
  view.setUint8(META.metric.offset, codeOf(CODES.metric, header.metric))
  view.setUint8(META.rowType.offset, codeOf(CODES.rowType, header.rowType))
  view.setUint8(META.idKind.offset, codeOf(CODES.idKind, header.idKind))
  view.setUint8(META.router.offset, codeOf(CODES.router, header.router))
  view.setUint8(META.trainer.offset, codeOf(CODES.trainer, header.trainer))
  view.setUint8(META.depth.offset, header.shape.arities.length)
  view.setUint8(META.trees.offset, header.trees)
  view.setBigInt64(META.seed.offset, BigInt(header.seed), true)
  view.setBigUint64(META.entryCount.offset, BigInt(header.entryCount), true)
  for (const [level, arity] of header.shape.arities.entries()) {
    view.setUint32(META.arities.offset + 4 * level, arity, true)
  }
  view.setUint32(META.rungCount.offset, header.rungs.length, true)
  view.setUint32(META.codeBytes.offset, header.codeBytes, true)
  view.setFloat32(META.termUnit.offset, header.termUnit, true)
  view.setUint8(META.rotated.offset, header.rotated ? 1 : 0)
  for (const [r, { probes, beamWidth, rerank, k, recall, ...reaches }] of header.rungs.entries()) {
    const base = META.rungs.offset + r * RUNG_BYTES
    view.setUint32(base + RUNG.probes.offset, probes, true)
    view.setUint32(base + RUNG.beamWidth.offset, beamWidth, true)
    view.setUint32(base + RUNG.rerank.offset, rerank, true)
    view.setUint32(base + RUNG.k.offset, k, true)
    view.setFloat32(base + RUNG.recall.offset, recall, true)
    view.setFloat32(base + RUNG.rowReach.offset, reaches.rowReach, true)
    view.setFloat32(base + RUNG.leafReach.offset, reaches.leafReach, true)
    view.setFloat32(base + RUNG.beamReach.offset, reaches.beamReach, true)
  }
}

/**
 * Read and check the section.
 * @param bytes - the `META_BYTES` bytes of the section.
 * @param at - its offset in the file, for errors.
 * @throws {FormatError} BATL_FORMAT that names the field.
 */
export function readMeta(bytes: Uint8Array, at: number): SnapshotHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, META_BYTES)
  const fields = readFields(view, 0, META)
  const { depth, rungCount, rotated, ...scalars } = fields
  const check = checksOf(at, META, fields)
  check.range('depth', 0, MAX_LEVELS)
  check.range('rungCount', 0, MAX_RUNGS)
  check.range('rotated', 0, 1)
  const zero = (from: number, to: number): void => checkZero(bytes, from, to, () => 'section meta: a reserved byte', at)
  zero(META.arities.offset + 4 * depth, META.rungCount.offset)
  zero(META.metaReserved.offset, META.seed.offset)
  zero(META.rungsReserved.offset, META.rungs.offset)
  zero(META.rungs.offset + rungCount * RUNG_BYTES, META_BYTES)
  const rungs = Array.from({ length: rungCount }, (_, r) => readFields(view, META.rungs.offset + r * RUNG_BYTES, RUNG))
  const arities = Array.from({ length: depth }, (_, level) => view.getUint32(META.arities.offset + 4 * level, true))
  const code = <K extends keyof typeof CODES>(name: K): (typeof CODES)[K][number] => {
    const value = CODES[name][fields[name]]
    check.holds(name, value !== undefined, CODES[name].map((known, i) => `${i} (${known})`).join(', '))
    return value!
  }
  const header: SnapshotHeader = {
    ...scalars,
    metric: code('metric'),
    rowType: code('rowType'),
    idKind: code('idKind'),
    router: code('router'),
    trainer: code('trainer'),
    shape: treeShape(arities),
    entryCount: Number(scalars.entryCount),
    seed: Number(scalars.seed),
    rotated: rotated === 1,
    rungs,
  }
  checkHeader(header, at)
  return header
}
