import { FormatError, InvalidArgumentError, UnsupportedError } from '../base/errors.js'
import { rowStride } from '../base/matrix.js'
import type { Arena } from '../kernels/memory.js'
import type { Snapshot, SnapshotHeader } from '../tree/snapshot.js'
import { Checksum } from './checksum.js'
import { ALIGNMENT, ENTRY, findSection, HEADER, KIND, META_BYTES, planLayout, TABLE_END } from './layout.js'
import type { Layout, Section, SectionName } from './layout.js'
import { readMeta } from './meta.js'
import { Pace } from './pace.js'
import { checkPadding, checkPreamble, readTable, sectionTitle, type TableEntry } from './table.js'
import {
  verifyCodec,
  verifyIds,
  verifyOrder,
  verifyRows,
  verifyScales,
  verifyTrees,
  type FiniteCheck,
} from './verify.js'

/**
 * The views of an index in its region, unchecked: for a builder that fills them, and for `viewSnapshot` after its checks.
 * Without a tree, `order` and `tree` are empty: positions are row numbers.
 * @param region - starts at a multiple of 64 bytes of its buffer.
 */
export function mapSnapshot(region: Uint8Array, header: SnapshotHeader, layout: Layout): Snapshot {
  const { buffer, byteOffset } = region
  const at = ({ offset }: Section): number => byteOffset + offset
  const u32 = (section: Section): Uint32Array => new Uint32Array(buffer, at(section), section.length / 4)
  const f32 = (section: Section): Float32Array => new Float32Array(buffer, at(section), section.length / 4)
  const need = (name: SectionName, tree = 0): Section => findSection(layout, name, tree)!
  const optional = <T>(name: SectionName, view: (section: Section) => T, none: () => T): T => {
    const section = findSection(layout, name)
    return section === undefined ? none() : view(section)
  }
  const u8 = (section: Section): Uint8Array => new Uint8Array(buffer, at(section), section.length)
  const noFloats = (): Float32Array => new Float32Array(0)
  const ids = (): Snapshot['ids'] => {
    if (header.idKind === 'row') return undefined
    if (header.idKind === 'string') return { offsets: u32(need('idOffsets')), bytes: u8(need('idBytes')) }
    const start = at(need('ids'))
    return header.idKind === 'f64'
      ? new Float64Array(buffer, start, header.size)
      : new BigInt64Array(buffer, start, header.size)
  }
  return {
    ...header,
    rows: optional('rows', u8, () => new Uint8Array(0)),
    stride: rowStride(header.rowType, header.dim),
    scales: optional('scales', f32, noFloats),
    units: optional('units', f32, noFloats),
    order: optional('order', u32, () => new Uint32Array(0)),
    ids: ids(),
    mean: optional('mean', f32, noFloats),
    rotation: optional('rotation', f32, noFloats),
    codebooks: optional('codebooks', f32, noFloats),
    tree: Array.from({ length: header.trees }, (_, tree) => ({
      router: u8(need('router', tree)),
      leafOffsets: u32(need('leafOffsets', tree)),
      leaves: u8(need('leaves', tree)),
    })),
  }
}

/** Resolves once the first bytes of a region, as many as it is asked for, have been read. */
export type Arrived = (count: number) => Promise<void>

/** The section table of a region, once all checksums are right. */
async function readChecked(
  region: Uint8Array,
  checksum: Checksum,
  pace: Pace,
  arrived: Arrived | undefined,
): Promise<TableEntry[]> {
  const stated = new DataView(region.buffer, region.byteOffset).getBigUint64(HEADER.tableChecksum.offset, true)
  if (checksum.ofTable(region) !== stated) {
    throw new FormatError(
      'header and section table do not match their checksum: the file is damaged; copy it again or build it again',
      HEADER.tableChecksum.offset,
    )
  }
  const entries = readTable(region)
  for (const entry of entries) {
    const { offset, length } = entry
    const own = arrived && ((count: number) => arrived(offset + count))
    if ((await checksum.of(region.subarray(offset, offset + length), pace, own)) === entry.checksum) continue
    throw new FormatError(
      `section ${sectionTitle(entry)} does not match its checksum: the file is damaged; copy it again or build it again`,
      offset,
    )
  }
  await arrived?.(region.length)
  checkPadding(region, entries)
  return entries
}

function readHeader(region: Uint8Array, entries: readonly TableEntry[]): SnapshotHeader {
  const meta = entries.find(({ kind }) => kind === KIND.meta)
  if (meta?.length !== META_BYTES) {
    throw new FormatError(
      `the file has no section meta of ${META_BYTES} bytes; build the index again`,
      meta === undefined ? HEADER.sectionCount.offset : meta.at + ENTRY.length.offset,
    )
  }
  return readMeta(region.subarray(meta.offset, meta.offset + META_BYTES), meta.offset)
}

/** The known sections of the file, once they are what the header calls for, each once and of the right length. */
function matchLayout(header: SnapshotHeader, entries: readonly TableEntry[], fileLength: number): Layout {
  const known = new Set<number>(Object.values(KIND))
  const left = entries.filter(({ kind }) => known.has(kind))
  const stringIdBytes = left.find(({ kind }) => kind === KIND.idBytes)?.length ?? 0
  const sections = planLayout(header, stringIdBytes).sections.map(({ name, tree, length }): Section => {
    const found = left.findIndex((entry) => entry.kind === KIND[name] && entry.tree === tree)
    const [entry] = found < 0 ? [] : left.splice(found, 1)
    if (entry === undefined) {
      const title = sectionTitle({ kind: KIND[name], tree })
      throw new FormatError(`section ${title} is missing; build the index again`, HEADER.sectionCount.offset)
    }
    if (entry.length !== length) {
      throw new FormatError(
        `section ${sectionTitle(entry)} has ${entry.length} bytes, but meta calls for ${length}; build the index again`,
        entry.at + ENTRY.length.offset,
      )
    }
    return { name, tree, offset: entry.offset, length }
  })
  const [extra] = left
  if (extra !== undefined) {
    throw new FormatError(
      `section ${sectionTitle(extra)} stands twice or does not belong here; build the index again`,
      extra.at,
    )
  }
  return { sections, length: fileLength }
}

/** Views of the region are views of its numbers only where the machine is little-endian, as the file is. */
function checkMachine(region: Uint8Array): void {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) {
    throw new UnsupportedError(
      'this machine is big-endian, but an index is little-endian in place; use another machine',
    )
  }
  if (region.byteOffset % ALIGNMENT !== 0) {
    const message = `the region starts at byte ${region.byteOffset} of its buffer, but must start at a multiple of ${ALIGNMENT}; copy it`
    throw new InvalidArgumentError('region', message)
  }
}

/**
 * Check a whole file in memory and make the snapshot of it: views of the region, no copies.
 *
 * Everything that FORMAT.md calls for is checked before any use, lengths before any allocation; the work takes turns with
 * the event loop. What it allocates besides the views is less than the region.
 * @param region - the file, at a multiple of 64 bytes of an ArrayBuffer or SharedArrayBuffer; it must not change any more.
 * @param finite - whether rows of f32 or f16 are finite; the kernels know.
 * @param place - `arena`: where the region lies, if in one; `arrived`: for a file that is still being read.
 * @throws {FormatError} BATL_FORMAT with the byte at which the damage shows.
 * @throws {VersionError} BATL_VERSION when the major version is unknown.
 * @throws the signal's reason once it has aborted.
 */
export async function viewSnapshot(
  region: Uint8Array,
  finite: FiniteCheck,
  signal?: AbortSignal,
  { arena, arrived }: { arena?: Arena; arrived?: Arrived } = {},
): Promise<Snapshot> {
  checkMachine(region)
  await arrived?.(TABLE_END)
  checkPreamble(region, region.length)
  const pace = new Pace(signal)
  const entries = await Checksum.use((checksum) => readChecked(region, checksum, pace, arrived), arena)
  const header = readHeader(region, entries)
  const layout = matchLayout(header, entries, region.length)
  const snapshot = mapSnapshot(region, header, layout)
  await verifyRows(snapshot, region.byteOffset, finite, pace)
  await verifyScales(snapshot, region.byteOffset, pace)
  await verifyOrder(snapshot, region.byteOffset, pace)
  await verifyIds(snapshot.ids, region.byteOffset, pace)
  await verifyCodec(snapshot, region.byteOffset, pace)
  await verifyTrees(snapshot, region.byteOffset, pace)
  return snapshot
}
