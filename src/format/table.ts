import { align64 } from '../base/align.js'
import { FormatError, VersionError } from '../base/errors.js'
import { checkZero, damaged } from './damage.js'
import {
  ENTRY,
  ENTRY_BYTES,
  HEADER,
  HEADER_BYTES,
  KIND,
  MAGIC,
  MAJOR,
  readFields,
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
    throw damaged(`the file ends after ${available} bytes, but header and section table take ${TABLE_END}`, available)
  }
  const { major, minor, fileLength } = readFields(new DataView(head.buffer, head.byteOffset), 0, HEADER)
  if (major !== MAJOR) throw new VersionError(`${major}.${minor}`, `${MAJOR}.x`)
  if (fileLength === BigInt(available)) return
  const cut = fileLength > available
  const trouble = cut ? 'it is truncated' : 'bytes were added to it, or the length is damaged'
  throw damaged(
    `the file has ${available} bytes, but its header states ${fileLength}: ${trouble}`,
    cut ? available : HEADER.fileLength.offset,
  )
}

function checkPlace(entry: TableEntry, earliest: number, fileLength: number): void {
  const { offset, length, at } = entry
  const title = `section ${sectionTitle(entry)}`
  if (offset !== earliest) {
    throw damaged(
      `${title} starts at ${offset}, but must start at ${earliest}, the next multiple of 64`,
      at + ENTRY.offset.offset,
    )
  }
  if (offset + length > fileLength) {
    throw damaged(`${title} ends at ${offset + length}, but the file at ${fileLength}`, at + ENTRY.length.offset)
  }
}

/**
 * Read and check the section table of a region that `checkPreamble` accepts and whose table checksum is right: sections
 * follow each other without overlap. `checkPadding` looks at the bytes between them.
 * @throws {FormatError} BATL_FORMAT.
 */
export function readTable(region: Uint8Array): TableEntry[] {
  const view = new DataView(region.buffer, region.byteOffset, region.byteLength)
  const { sectionCount: count } = readFields(view, 0, HEADER)
  if (count < 1 || count > TABLE_CAPACITY) {
    throw damaged(`the header states ${count} sections, but 1 to ${TABLE_CAPACITY} fit`, HEADER.sectionCount.offset)
  }
  checkZero(region, HEADER.headerReserved.offset, HEADER_BYTES, () => 'the reserved part of the header')
  checkZero(region, HEADER_BYTES + count * ENTRY_BYTES, TABLE_END, () => 'the unused part of the section table')
  const entries: TableEntry[] = []
  let end = TABLE_END
  for (let i = 0; i < count; i++) {
    const at = HEADER_BYTES + i * ENTRY_BYTES
    const fields = readFields(view, at, ENTRY)
    const entry = { ...fields, offset: Number(fields.offset), length: Number(fields.length), at }
    checkPlace(entry, align64(end), region.length)
    end = entry.offset + entry.length
    entries.push(entry)
  }
  if (align64(end) !== region.length) {
    throw damaged(`the last section ends at ${end}, but the file at ${region.length}`, end)
  }
  return entries
}

/** Refuse bytes between sections that are not zero. @throws {FormatError} BATL_FORMAT. */
export function checkPadding(region: Uint8Array, entries: readonly TableEntry[]): void {
  let end = TABLE_END
  for (const { offset, length } of entries) {
    checkZero(region, end, offset, () => 'padding between sections')
    end = offset + length
  }
  checkZero(region, end, region.length, () => 'padding after the last section')
}
