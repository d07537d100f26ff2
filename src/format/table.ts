import { FormatError, VersionError } from '../base/errors.js'
import {
  align64,
  ENTRY,
  ENTRY_BYTES,
  HEADER,
  HEADER_BYTES,
  KIND,
  MAGIC,
  MAJOR,
  TABLE_CAPACITY,
  TABLE_END,
} from './layout.js'

/** One entry of the section table as it stands in a file: the kind may be unknown. */
export interface TableEntry {
  readonly kind: number
  readonly tree: number
  readonly offset: number
  readonly length: number
  readonly checksum: bigint
  /** Where the entry itself lies, for errors. */
  readonly at: number
}

const NAMES = new Map<number, string>(Object.entries(KIND).map(([name, kind]) => [kind, name]))

/** Kinds of which each tree has one. */
const TREE_KINDS: ReadonlySet<number> = new Set([KIND.router, KIND.leafOffsets, KIND.leaves])

/** How errors call a section: `rows`, `leaves of tree 2`, `of unknown kind 99`. */
export function sectionTitle({ kind, tree }: Pick<TableEntry, 'kind' | 'tree'>): string {
  const name = NAMES.get(kind)
  if (name === undefined) return `of unknown kind ${kind}`
  return TREE_KINDS.has(kind) ? `${name} of tree ${tree}` : name
}

function checkMagic(head: Uint8Array): void {
  const wrong = MAGIC.findIndex((byte, i) => head[i] !== byte)
  if (wrong < 0) return
  throw new FormatError(
    wrong < 4
      ? 'the file is not a BATL index (it does not start with BATL); give a file that `save` or `batl build` wrote'
      : 'the first bytes of the BATL index were changed, as by a transfer in text mode; copy the file again in binary mode',
    wrong,
  )
}

function checkLength(view: DataView, available: number): void {
  const { offset } = HEADER.fileLength
  const stated = view.getBigUint64(offset, true)
  if (stated === BigInt(available)) return
  const trouble = stated > BigInt(available) ? 'it is truncated' : 'bytes were added to it, or the length is damaged'
  throw new FormatError(
    `the file has ${available} bytes, but its header states ${stated}: ${trouble}; copy it again or build it again`,
    stated > BigInt(available) ? available : offset,
  )
}

/**
 * What can be told from the start of a file, before any memory is taken for the rest.
 * @param head - at least the first 64 bytes of the file, or all of it where it is shorter.
 * @param available - bytes of the whole file.
 * @throws {FormatError} BATL_FORMAT when it is no index, is damaged there, or has another length than it states.
 * @throws {VersionError} BATL_VERSION when its major version is unknown.
 */
export function checkPreamble(head: Uint8Array, available: number): void {
  checkMagic(head)
  if (head.length < HEADER_BYTES || available < TABLE_END) {
    throw new FormatError(
      `the file ends after ${available} bytes, but header and section table take ${TABLE_END}; copy it again or build it again`,
      available,
    )
  }
  const view = new DataView(head.buffer, head.byteOffset, HEADER_BYTES)
  const major = view.getUint16(HEADER.major.offset, true)
  const minor = view.getUint16(HEADER.minor.offset, true)
  if (major !== MAJOR) throw new VersionError(`${major}.${minor}`, `${MAJOR}.x`)
  checkLength(view, available)
}

function checkPlace(entry: TableEntry, earliest: number, view: DataView): void {
  const { offset, length, at } = entry
  const title = `section ${sectionTitle(entry)}`
  if (offset !== earliest) {
    throw new FormatError(
      `${title} starts at ${offset}, but must start at ${earliest}, the next multiple of 64; build the index again`,
      at + ENTRY.offset.offset,
    )
  }
  if (offset + length > view.byteLength) {
    throw new FormatError(
      `${title} ends at ${offset + length}, but the file at ${view.byteLength}; build the index again`,
      at + ENTRY.length.offset,
    )
  }
}

function checkZero(region: Uint8Array, from: number, to: number, what: string): void {
  for (let i = from; i < to; i++) {
    if (region[i] !== 0) {
      throw new FormatError(
        `${what} must be zero, but byte ${i} is ${region[i]}; copy the file again or build it again`,
        i,
      )
    }
  }
}

/**
 * Read and check the section table of a region that `checkPreamble` accepts and whose table checksum is right: sections
 * follow each other without overlap. `checkPadding` looks at the bytes between them.
 * @throws {FormatError} BATL_FORMAT.
 */
export function readTable(region: Uint8Array): TableEntry[] {
  const view = new DataView(region.buffer, region.byteOffset, region.byteLength)
  const count = view.getUint32(HEADER.sectionCount.offset, true)
  if (count < 1 || count > TABLE_CAPACITY) {
    const { offset } = HEADER.sectionCount
    throw new FormatError(
      `the header states ${count} sections, but 1 to ${TABLE_CAPACITY} fit; build the index again`,
      offset,
    )
  }
  checkZero(region, HEADER.headerReserved.offset, HEADER_BYTES, 'the reserved part of the header')
  checkZero(region, HEADER_BYTES + count * ENTRY_BYTES, TABLE_END, 'the unused part of the section table')
  const entries: TableEntry[] = []
  let end = TABLE_END
  for (let i = 0; i < count; i++) {
    const at = HEADER_BYTES + i * ENTRY_BYTES
    const entry: TableEntry = {
      kind: view.getUint32(at + ENTRY.kind.offset, true),
      tree: view.getUint32(at + ENTRY.tree.offset, true),
      offset: Number(view.getBigUint64(at + ENTRY.offset.offset, true)),
      length: Number(view.getBigUint64(at + ENTRY.length.offset, true)),
      checksum: view.getBigUint64(at + ENTRY.checksum.offset, true),
      at,
    }
    checkPlace(entry, align64(end), view)
    end = entry.offset + entry.length
    entries.push(entry)
  }
  if (align64(end) !== region.length) {
    throw new FormatError(
      `the last section ends at ${end}, but the file at ${region.length}; build the index again`,
      end,
    )
  }
  return entries
}

/** Refuse bytes between sections that are not zero. @throws {FormatError} BATL_FORMAT. */
export function checkPadding(region: Uint8Array, entries: readonly TableEntry[]): void {
  let end = TABLE_END
  for (const { offset, length } of entries) {
    checkZero(region, end, offset, 'padding between sections')
    end = offset + length
  }
  checkZero(region, end, region.length, 'padding after the last section')
}
