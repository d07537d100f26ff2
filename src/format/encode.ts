import type { Arena } from '../kernels/memory.js'
import type { SnapshotHeader } from '../tree/snapshot.js'
import { Checksum } from './checksum.js'
import {
  ENTRY,
  ENTRY_BYTES,
  findSection,
  HEADER,
  HEADER_BYTES,
  KIND,
  MAGIC,
  MAJOR,
  MINOR,
  TABLE_END,
} from './layout.js'
import type { Layout } from './layout.js'
import { checkHeader, writeMeta } from './meta.js'
import { Pace } from './pace.js'

/**
 * Write header, section table, the section `meta` and the zero padding; the other sections are left as they are.
 * Checksums stay zero until `seal`.
 * @param region - `layout.length` bytes.
 * @param layout - what `planLayout` made of the same header.
 * @throws {FormatError} BATL_FORMAT when the header could not be opened again.
 */
export function writeHeader(region: Uint8Array, header: SnapshotHeader, layout: Layout): void {
  const meta = findSection(layout, 'meta')!
  checkHeader(header, meta.offset)
  const view = new DataView(region.buffer, region.byteOffset, TABLE_END)
  region.fill(0, 0, TABLE_END)
  region.set(MAGIC, HEADER.magic.offset)
  view.setUint16(HEADER.major.offset, MAJOR, true)
  view.setUint16(HEADER.minor.offset, MINOR, true)
  view.setUint32(HEADER.sectionCount.offset, layout.sections.length, true)
  view.setBigUint64(HEADER.fileLength.offset, BigInt(layout.length), true)
  let end = TABLE_END
  for (const [i, { name, tree, offset, length }] of layout.sections.entries()) {
    const at = HEADER_BYTES + i * ENTRY_BYTES
    view.setUint32(at + ENTRY.kind.offset, KIND[name], true)
    view.setUint32(at + ENTRY.tree.offset, tree, true)
    view.setBigUint64(at + ENTRY.offset.offset, BigInt(offset), true)
    view.setBigUint64(at + ENTRY.length.offset, BigInt(length), true)
    region.fill(0, end, offset)
    end = offset + length
  }
  region.fill(0, end, layout.length)
  writeMeta(region.subarray(meta.offset, meta.offset + meta.length), header)
}

/**
 * Compute the checksums of all sections and of the table, and write them. Call it when the content is final: the region is
 * then what a file holds. The event loop gets its turns meanwhile.
 * @param region - a whole index, whose section table `writeHeader` wrote.
 * @param arena - where the region may lie.
 * @throws the signal's reason once it has aborted; the region is then to be sealed again.
 */
export async function seal(region: Uint8Array, signal?: AbortSignal, arena?: Arena): Promise<void> {
  const pace = new Pace(signal)
  const view = new DataView(region.buffer, region.byteOffset, region.byteLength)
  const count = view.getUint32(HEADER.sectionCount.offset, true)
  await Checksum.use(async (checksum) => {
    for (let i = 0; i < count; i++) {
      const at = HEADER_BYTES + i * ENTRY_BYTES
      const offset = Number(view.getBigUint64(at + ENTRY.offset.offset, true))
      const length = Number(view.getBigUint64(at + ENTRY.length.offset, true))
      const sum = await checksum.of(region.subarray(offset, offset + length), pace)
      view.setBigUint64(at + ENTRY.checksum.offset, sum, true)
    }
    view.setBigUint64(HEADER.tableChecksum.offset, checksum.ofTable(region), true)
  }, arena)
}
