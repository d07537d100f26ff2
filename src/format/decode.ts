import { ALIGNMENT } from '../base/align.js'
import { InvalidArgumentError, UnsupportedError } from '../base/errors.js'
import { rowStride } from '../base/matrix.js'
import type { Arena } from '../kernels/memory.js'
import type { Snapshot, SnapshotHeader } from '../tree/snapshot.js'
import { Checksum } from './checksum.js'
import { damaged } from './damage.js'
import { ENTRY, findSection, HEADER, KIND, META_BYTES, planLayout, readFields, TABLE_END } from './layout.js'
import type { Layout, Section, SectionName } from './layout.js'
import { readMeta } from './meta.js'
import { Pace } from './pace.js'
import { checkPadding, checkPreamble, readTable, sectionTitle, type TableEntry } from './table.js'
import { verifySnapshot, type FiniteCheck } from './verify.js'

interface ViewType<T> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, offset?: number, length?: number): T
}

/**
 * The views of an index in its region, unchecked: for a builder that fills them, and for `viewSnapshot` after its checks.
 * Without a tree, `order` and `tree` are empty: positions are row numbers.
 * @param region - starts at a multiple of 64 bytes of its buffer.
 */
export function mapSnapshot(region: Uint8Array, header: SnapshotHeader, layout: Layout): Snapshot {
  const { buffer, byteOffset } = region
  const { idKind } = header
  /** A section as numbers; empty where there is none. */
  const view = <T>(Type: ViewType<T>, name: SectionName, tree = 0): T => {
    const section = findSection(layout, name, tree)
    return section === undefined
      ? new Type(new ArrayBuffer(0))
      : new Type(buffer, byteOffset + section.offset, section.length / Type.BYTES_PER_ELEMENT)
  }
  const f32 = (name: SectionName): Float32Array => view(Float32Array, name)
  const ids = (): Snapshot['ids'] => {
    if (idKind === 'row') return undefined
    if (idKind === 'string') return { offsets: view(Uint32Array, 'idOffsets'), bytes: view(Uint8Array, 'idBytes') }
    return idKind === 'f64' ? view(Float64Array, 'ids') : view(BigInt64Array, 'ids')
  }
  return {
    ...header,
    rows: view(Uint8Array, 'rows'),
    stride: rowStride(header.rowType, header.dim),
    scales: f32('scales'),
    units: f32('units'),
    order: view(Uint32Array, 'order'),
    ids: ids(),
    mean: f32('mean'),
    rotation: f32('rotation'),
    codebooks: f32('codebooks'),
    tree: Array.from({ length: header.trees }, (_, tree) => ({
      router: view(Uint8Array, 'router', tree),
      leafOffsets: view(Uint32Array, 'leafOffsets', tree),
      leaves: view(Uint8Array, 'leaves', tree),
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
  const { tableChecksum } = readFields(new DataView(region.buffer, region.byteOffset), 0, HEADER)
  if (checksum.ofTable(region) !== tableChecksum)
    throw damaged('header and section table do not match their checksum', HEADER.tableChecksum.offset)
  const entries = readTable(region)
  for (const entry of entries) {
    const { offset, length } = entry
    const own = arrived && ((count: number) => arrived(offset + count))
    if ((await checksum.of(region.subarray(offset, offset + length), pace, own)) === entry.checksum) continue
    throw damaged(`section ${sectionTitle(entry)} does not match its checksum`, offset)
  }
  await arrived?.(region.length)
  checkPadding(region, entries)
  return entries
}

function readHeader(region: Uint8Array, entries: readonly TableEntry[]): SnapshotHeader {
  const meta = entries.find(({ kind }) => kind === KIND.meta)
  if (meta?.length !== META_BYTES) {
    const at = meta === undefined ? HEADER.sectionCount.offset : meta.at + ENTRY.length.offset
    throw damaged(`the file has no section meta of ${META_BYTES} bytes`, at)
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
    const title = sectionTitle({ kind: KIND[name], tree })
    if (entry === undefined) throw damaged(`section ${title} is missing`, HEADER.sectionCount.offset)
    if (entry.length !== length) {
      throw damaged(
        `section ${title} has ${entry.length} bytes, but meta calls for ${length}`,
        entry.at + ENTRY.length.offset,
      )
    }
    return { name, tree, offset: entry.offset, length }
  })
  const [extra] = left
  if (extra !== undefined)
    throw damaged(`section ${sectionTitle(extra)} stands twice or does not belong here`, extra.at)
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
  await verifySnapshot(snapshot, region.byteOffset, finite, pace)
  return snapshot
}
