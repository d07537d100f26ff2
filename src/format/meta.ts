import { FormatError } from '../base/errors.js'
import { mostCodeBytes } from '../codes/shape.js'
import { routerTensors } from '../tree/router.js'
import { treeShape } from '../tree/shape.js'
import { MAX_RUNGS, MOST_COPIES, TUNED_K, type Rung, type SnapshotHeader } from '../tree/snapshot.js'
import { CODES, MAX_DIM, MAX_LEVELS, MAX_TREES, META, META_BYTES, RUNG, RUNG_BYTES, type Field } from './layout.js'

const U32_MAX = 2 ** 32 - 1
/** Node numbers and table sizes are computed in 32-bit integers elsewhere: nothing larger may get past the door. */
const MAX_LEAVES = 2 ** 31 - 1
const MAX_TABLE_FLOATS = 2 ** 31 - 16

/** Refuse unless `holds`; `field` says where the value lies in the section `meta`. */
type Check = (holds: boolean, field: Field, name: string, value: unknown, wanted: string) => void

/** Checks of fields of `meta` that starts at byte `at` of the file. */
function checkAt(at: number): Check {
  return (holds, { offset }, name, value, wanted) => {
    if (holds) return
    throw new FormatError(
      `section meta: ${name} is ${String(value)}, but must be ${wanted}; the file is damaged or was not written by batl, build it again`,
      at + offset,
    )
  }
}

function within(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high
}

function checkScalars(header: SnapshotHeader, check: Check): void {
  const { size, dim, metric, rowType, seed, entryCount, trees, codeBytes, termUnit } = header
  const depth = header.shape.arities.length
  check(within(size, 1, U32_MAX), META.size, 'size', size, '1 to 2^32 - 1')
  check(within(dim, 1, MAX_DIM), META.dim, 'dim', dim, `1 to ${MAX_DIM}`)
  const fits = rowType !== 'i10' || metric === 'cosine'
  check(fits, META.rowType, 'rowType', rowType, 'another unless metric is cosine')
  check(Number.isSafeInteger(seed), META.seed, 'seed', seed, 'an integer of at most 53 bits')
  check(within(depth, 0, MAX_LEVELS), META.depth, 'depth', depth, `0 to ${MAX_LEVELS}`)
  if (depth === 0) {
    check(trees === 0, META.trees, 'trees', trees, '0 without levels')
    check(entryCount === 0, META.entryCount, 'entryCount', entryCount, '0 without levels')
    check(codeBytes === 0, META.codeBytes, 'codeBytes', codeBytes, '0 without levels')
    check(rowType !== 'none', META.rowType, 'rowType', rowType, 'another without levels')
  } else {
    check(within(trees, 1, MAX_TREES), META.trees, 'trees', trees, `1 to ${MAX_TREES}`)
    const most = Math.min(size * MOST_COPIES, U32_MAX)
    check(within(entryCount, size, most), META.entryCount, 'entryCount', entryCount, `size to ${MOST_COPIES} x size`)
    const widest = mostCodeBytes(dim)
    check(within(codeBytes, 1, widest), META.codeBytes, 'codeBytes', codeBytes, `1 to ${widest}`)
  }
  check(termUnit >= 0 && termUnit < Infinity, META.termUnit, 'termUnit', termUnit, 'finite and at least 0')
}

function checkShape(header: SnapshotHeader, check: Check): void {
  const { arities, leafCount } = header.shape
  for (const arity of arities) check(within(arity, 2, MAX_LEAVES), META.arities, 'an arity', arity, '2 or more')
  check(leafCount <= MAX_LEAVES, META.arities, 'the product of the arities', leafCount, `at most ${MAX_LEAVES}`)
  if (arities.length === 0) return
  for (const { name, rows, cols } of routerTensors(header.router, header.shape, header.dim)) {
    const floats = rows * cols
    check(floats <= MAX_TABLE_FLOATS, META.arities, `table ${name}, in floats,`, floats, `at most ${MAX_TABLE_FLOATS}`)
  }
}

function checkRungs({ rungs, shape, size, rowType }: SnapshotHeader, check: Check): void {
  check(within(rungs.length, 0, MAX_RUNGS), META.rungCount, 'rungCount', rungs.length, `0 to ${MAX_RUNGS}`)
  let before: Rung | undefined
  for (const [r, rung] of rungs.entries()) {
    const at = (part: Field): Field => ({ offset: META.rungs.offset + r * RUNG_BYTES + part.offset, type: part.type })
    const { probes, beamWidth, rerank, k, recall } = rung
    const leaves = `1 to leafCount = ${shape.leafCount}`
    check(within(probes, 1, shape.leafCount), at(RUNG.probes), `rung ${r}: probes`, probes, leaves)
    check(within(beamWidth, 1, shape.leafCount), at(RUNG.beamWidth), `rung ${r}: beamWidth`, beamWidth, leaves)
    const none = rowType === 'none'
    const rows = none ? '0 without rows' : `1 to size = ${size}`
    check(none ? rerank === 0 : within(rerank, 1, size), at(RUNG.rerank), `rung ${r}: rerank`, rerank, rows)
    const known = TUNED_K.some((tuned) => tuned === k) && k >= (before?.k ?? 0)
    check(known, at(RUNG.k), `rung ${r}: k`, k, `one of ${TUNED_K.join(', ')}, not below that of the rung before`)
    const least = before?.k === k ? before.recall : 0
    check(recall >= least && recall <= 1, at(RUNG.recall), `rung ${r}: recall`, recall, `${least} to 1`)
    before = rung
  }
}

/**
 * Check the ranges of all scalars and rungs.
 * @param at - the offset of the section `meta`, for the error.
 * @throws {FormatError} BATL_FORMAT that names the field.
 */
export function checkHeader(header: SnapshotHeader, at: number): void {
  const check = checkAt(at)
  checkScalars(header, check)
  checkShape(header, check)
  checkRungs(header, check)
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
  for (const [r, { probes, beamWidth, rerank, k, recall }] of header.rungs.entries()) {
    const base = META.rungs.offset + r * RUNG_BYTES
    view.setUint32(base + RUNG.probes.offset, probes, true)
    view.setUint32(base + RUNG.beamWidth.offset, beamWidth, true)
    view.setUint32(base + RUNG.rerank.offset, rerank, true)
    view.setUint32(base + RUNG.k.offset, k, true)
    view.setFloat64(base + RUNG.recall.offset, recall, true)
  }
}

function readCode<T extends string>(names: readonly T[], code: number, field: Field, name: string, check: Check): T {
  const value = names[code]
  check(value !== undefined, field, name, code, names.map((known, i) => `${i} (${known})`).join(', '))
  return value as T
}

function readArities(view: DataView, check: Check): number[] {
  const depth = view.getUint8(META.depth.offset)
  check(depth <= MAX_LEVELS, META.depth, 'depth', depth, `0 to ${MAX_LEVELS}`)
  const arities: number[] = []
  for (let level = 0; level < MAX_LEVELS; level++) {
    const arity = view.getUint32(META.arities.offset + 4 * level, true)
    if (level < depth) arities.push(arity)
    else check(arity === 0, META.arities, `the arity of level ${level}, beyond depth ${depth},`, arity, '0')
  }
  return arities
}

function readRungs(view: DataView, count: number): Rung[] {
  return Array.from({ length: count }, (_, r) => {
    const base = META.rungs.offset + r * RUNG_BYTES
    return {
      probes: view.getUint32(base + RUNG.probes.offset, true),
      beamWidth: view.getUint32(base + RUNG.beamWidth.offset, true),
      rerank: view.getUint32(base + RUNG.rerank.offset, true),
      k: view.getUint32(base + RUNG.k.offset, true),
      recall: view.getFloat64(base + RUNG.recall.offset, true),
    }
  })
}

function checkZero(bytes: Uint8Array, from: number, to: number, name: string, check: Check): void {
  for (let i = from; i < to; i++) check(bytes[i] === 0, { offset: i, type: 'u8' }, name, bytes[i], '0')
}

/**
 * Read and check the section.
 * @param bytes - the `META_BYTES` bytes of the section.
 * @param at - its offset in the file, for errors.
 * @throws {FormatError} BATL_FORMAT that names the field.
 */
export function readMeta(bytes: Uint8Array, at: number): SnapshotHeader {
  const check = checkAt(at)
  const view = new DataView(bytes.buffer, bytes.byteOffset, META_BYTES)
  const code = <K extends keyof typeof CODES>(name: K): (typeof CODES)[K][number] =>
    readCode<(typeof CODES)[K][number]>(CODES[name], view.getUint8(META[name].offset), META[name], name, check)
  const rungCount = view.getUint32(META.rungCount.offset, true)
  check(rungCount <= MAX_RUNGS, META.rungCount, 'rungCount', rungCount, `0 to ${MAX_RUNGS}`)
  checkZero(bytes, META.metaReserved.offset, META.seed.offset, 'a reserved byte', check)
  checkZero(bytes, META.rungsReserved.offset, META.rungs.offset, 'a reserved byte', check)
  for (let r = 0; r < rungCount; r++) {
    const at = META.rungs.offset + r * RUNG_BYTES
    checkZero(bytes, at + RUNG.rungReserved.offset, at + RUNG_BYTES, 'a reserved byte', check)
  }
  const rotated = view.getUint8(META.rotated.offset)
  check(rotated <= 1, META.rotated, 'rotated', rotated, '0 or 1')
  checkZero(bytes, META.rungs.offset + rungCount * RUNG_BYTES, META_BYTES, 'a byte after the last rung', check)
  const header: SnapshotHeader = {
    size: view.getUint32(META.size.offset, true),
    dim: view.getUint32(META.dim.offset, true),
    metric: code('metric'),
    rowType: code('rowType'),
    idKind: code('idKind'),
    router: code('router'),
    shape: treeShape(readArities(view, check)),
    trees: view.getUint8(META.trees.offset),
    entryCount: Number(view.getBigUint64(META.entryCount.offset, true)),
    rungs: readRungs(view, rungCount),
    codeBytes: view.getUint32(META.codeBytes.offset, true),
    rotated: rotated === 1,
    termUnit: view.getFloat32(META.termUnit.offset, true),
    seed: Number(view.getBigInt64(META.seed.offset, true)),
    trainer: code('trainer'),
  }
  checkHeader(header, at)
  return header
}
