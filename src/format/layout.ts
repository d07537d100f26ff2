import { align64 } from '../base/align.js'
import { rowStride, STORED_TYPES } from '../base/matrix.js'
import { CENTROIDS, codeShape, rotationFloats } from '../codes/shape.js'
import { leavesBytes } from '../codes/leaves.js'
import { padded, storedBytes, storedTensors } from '../tree/router.js'
import { MAX_RUNGS, type SnapshotHeader } from '../tree/snapshot.js'

/** Where a field lies in its structure, and its type in the words of FORMAT.md. A test compares both. */
export interface Field<T extends string = string> {
  readonly offset: number
  readonly type: T
}

const field = <T extends string>(offset: number, type: T): Field<T> => ({ offset, type })

/** How a view reads numbers of a type. */
const READ = {
  u8: 'getUint8',
  u16: 'getUint16',
  u32: 'getUint32',
  u64: 'getBigUint64',
  i64: 'getBigInt64',
  f32: 'getFloat32',
} as const

/** The numbers of a structure by name, those of 64 bits as bigints. */
type Values<Fields extends Readonly<Record<string, Field>>> = {
  -readonly [K in keyof Fields as Fields[K]['type'] extends keyof typeof READ ? K : never]: ReturnType<
    DataView[(typeof READ)[Fields[K]['type'] & keyof typeof READ]]
  >
}

/** Read the numbers of the structure at byte `at`; its runs of several are left out. */
export function readFields<Fields extends Readonly<Record<string, Field>>>(
  view: DataView,
  at: number,
  fields: Fields,
): Values<Fields> {
  const values: Record<string, unknown> = {}
  for (const name in fields) {
    const { offset, type } = fields[name]!
    const read = READ[type as keyof typeof READ]
    if (read !== undefined) values[name] = view[read](at + offset, true)
  }
  return values as Values<Fields>
}

/** `BATL`, a byte above 127, CR LF and LF: a transfer as text or as 7 bits changes at least one of them. */
export const MAGIC: readonly number[] = [0x42, 0x41, 0x54, 0x4c, 0xff, 0x0d, 0x0a, 0x0a]
export const MAJOR = 1
export const MINOR = 0

/** The first 64 bytes. */
export const HEADER = {
  magic: field(0, 'u8[8]'),
  major: field(8, 'u16'),
  minor: field(10, 'u16'),
  sectionCount: field(12, 'u32'),
  fileLength: field(16, 'u64'),
  tableChecksum: field(24, 'u64'),
  headerReserved: field(32, 'u8[32]'),
} as const
export const HEADER_BYTES = 64

/** One entry of the section table. */
export const ENTRY = {
  kind: field(0, 'u32'),
  tree: field(4, 'u32'),
  offset: field(8, 'u64'),
  length: field(16, 'u64'),
  checksum: field(24, 'u64'),
} as const
export const ENTRY_BYTES = 32
/** The table's room is fixed, so that the rows have a fixed offset and can be filled before the rest is known. */
export const TABLE_CAPACITY = 94
export const TABLE_END = HEADER_BYTES + TABLE_CAPACITY * ENTRY_BYTES

/** Section kinds by name. */
export const KIND = {
  meta: 1,
  rows: 2,
  scales: 3,
  order: 4,
  ids: 5,
  idOffsets: 6,
  idBytes: 7,
  router: 8,
  leafOffsets: 9,
  leaves: 10,
  mean: 11,
  rotation: 12,
  codebooks: 13,
  units: 14,
} as const
export type SectionName = keyof typeof KIND

export const MAX_LEVELS = 8
export const MAX_TREES = 8
export const MAX_DIM = 65_536

/** Scalars of the index, at the start of the section `meta`. */
export const META = {
  size: field(0, 'u32'),
  dim: field(4, 'u32'),
  metric: field(8, 'u8'),
  rowType: field(9, 'u8'),
  idKind: field(10, 'u8'),
  router: field(11, 'u8'),
  trainer: field(12, 'u8'),
  depth: field(13, 'u8'),
  trees: field(14, 'u8'),
  metaReserved: field(15, 'u8[1]'),
  seed: field(16, 'i64'),
  entryCount: field(24, 'u64'),
  arities: field(32, 'u32[8]'),
  rungCount: field(64, 'u32'),
  codeBytes: field(68, 'u32'),
  termUnit: field(72, 'f32'),
  rotated: field(76, 'u8'),
  rungsReserved: field(77, 'u8[51]'),
  rungs: field(128, 'rung[256]'),
} as const

/** One rung of the ladder of tuned settings. */
export const RUNG = {
  probes: field(0, 'u32'),
  beamWidth: field(4, 'u32'),
  rerank: field(8, 'u32'),
  k: field(12, 'u32'),
  recall: field(16, 'f32'),
  rowReach: field(20, 'f32'),
  leafReach: field(24, 'f32'),
  beamReach: field(28, 'f32'),
} as const
export const RUNG_BYTES = 32
export const META_BYTES = META.rungs.offset + MAX_RUNGS * RUNG_BYTES

/** Values of the fields of one byte, by their number in the file. */
export const CODES = {
  metric: ['l2', 'ip', 'cosine'],
  rowType: STORED_TYPES,
  idKind: ['row', 'f64', 'i64', 'string'],
  router: ['linear', 'residual', 'seq2seq'],
  trainer: ['none', 'wasm', 'tfjs-node'],
} as const satisfies { [K in 'metric' | 'rowType' | 'idKind' | 'router' | 'trainer']: readonly SnapshotHeader[K][] }

/** A run of bytes of one meaning. `tree` is 0 for sections that belong to the index as a whole. */
export interface Section {
  readonly name: SectionName
  readonly tree: number
  /** Bytes from the start of the region, a multiple of 64. */
  readonly offset: number
  /** Bytes, without padding. */
  readonly length: number
}

/** All sections in the order of the file, and the bytes of the region, a multiple of 64. */
export interface Layout {
  readonly sections: readonly Section[]
  readonly length: number
}

/** What fixes the length of every section but the string ids. */
export type LayoutShape = Pick<
  SnapshotHeader,
  'size' | 'dim' | 'metric' | 'rowType' | 'idKind' | 'router' | 'shape' | 'trees' | 'entryCount' | 'codeBytes'
>

/** Where the rows start, in every index that keeps them: they can be filled before anything else is known. */
export const ROWS_OFFSET = align64(TABLE_END + META_BYTES)

/**
 * Place every section of an index. Without a tree (`shape.arities` empty) there is no `order` and no section of a tree.
 * @param stringIdBytes - UTF-8 bytes of all ids together when `idKind` is `string`; otherwise not looked at.
 */
export function planLayout(header: LayoutShape, stringIdBytes = 0): Layout {
  const { size, dim, metric, rowType, idKind, router, shape, trees, entryCount } = header
  const sections: Section[] = []
  let end = TABLE_END
  const place = (name: SectionName, length: number, tree = 0): void => {
    const offset = align64(end)
    sections.push({ name, tree, offset, length })
    end = offset + length
  }
  place('meta', META_BYTES)
  if (rowType !== 'none') place('rows', size * rowStride(rowType, dim))
  if (metric === 'cosine' && rowType !== 'none') place('scales', 4 * size)
  if (rowType === 'i10') place('units', 4 * size)
  const depth = shape.arities.length
  if (depth > 0) place('order', 4 * size)
  if (idKind === 'f64' || idKind === 'i64') place('ids', 8 * size)
  if (idKind === 'string') {
    place('idOffsets', 4 * (size + 1))
    place('idBytes', stringIdBytes)
  }
  if (depth > 0) {
    const codec = codeShape(dim, header.codeBytes)
    place('mean', 4 * padded(dim))
    place('rotation', 4 * rotationFloats(codec))
    place('codebooks', 4 * codec.dims * CENTROIDS)
    const routerBytes = storedBytes(storedTensors(router, shape, dim))
    for (let tree = 0; tree < trees; tree++) {
      place('router', routerBytes, tree)
      place('leafOffsets', 4 * (shape.leafCount + 1), tree)
      place('leaves', leavesBytes(header, shape.leafCount, entryCount), tree)
    }
  }
  return { sections, length: align64(end) }
}

/** The section of that name and tree, or undefined where the layout has none. */
export function findSection(layout: Layout, name: SectionName, tree = 0): Section | undefined {
  return layout.sections.find((section) => section.name === name && section.tree === tree)
}
