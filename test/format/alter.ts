import type { Rng } from '../../build/base/rng.js'
import { Checksum } from '../../build/format/checksum.js'
import {
  ENTRY,
  ENTRY_BYTES,
  HEADER,
  HEADER_BYTES,
  KIND,
  META,
  META_BYTES,
  RUNG_BYTES,
  TABLE_END,
} from '../../build/format/layout.js'
import { Pace } from '../../build/format/pace.js'
import type { MakeOptions } from './make.js'

/** Regions that are small and have everything between them. */
export const BASES: readonly MakeOptions[] = [
  { size: 6, arities: [], rungs: 1, idKind: 'f64' },
  { size: 7, dim: 5, rowType: 'f16', metric: 'cosine', idKind: 'string', arities: [2, 2], copies: 1.5, trees: 2 },
  { size: 9, dim: 4, rowType: 'f32', metric: 'ip', router: 'residual', idKind: 'i64', arities: [3], copies: 2 },
  { size: 6, dim: 66, rowType: 'i10', metric: 'cosine', arities: [2], copies: 1.5 },
  { size: 8, dim: 5, rowType: 'none', idKind: 'f64', arities: [2, 2], copies: 2 },
]

interface Place {
  offset: number
  length: number
}

/** Repair all checksums that the altered table still allows to compute, as an attacker would. */
export async function repair(region: Uint8Array): Promise<void> {
  const view = new DataView(region.buffer)
  await Checksum.use(async (checksum) => {
    for (let at = HEADER_BYTES; at < TABLE_END; at += ENTRY_BYTES) {
      const offset = Number(view.getBigUint64(at + ENTRY.offset.offset, true))
      const length = Number(view.getBigUint64(at + ENTRY.length.offset, true))
      if (view.getUint32(at, true) === 0 || offset + length > region.length) continue
      view.setBigUint64(
        at + ENTRY.checksum.offset,
        await checksum.of(region.subarray(offset, offset + length), new Pace()),
        true,
      )
    }
    view.setBigUint64(HEADER.tableChecksum.offset, checksum.ofTable(region), true)
  })
}

/** Places worth altering: fields of header, table and meta, and the numbers of all small sections. */
function places(region: Uint8Array): Place[][] {
  const view = new DataView(region.buffer)
  const words = (start: number, bytes: number, width: number): Place[] =>
    Array.from({ length: Math.floor(bytes / width) }, (_, i) => ({ offset: start + i * width, length: width }))
  const count = view.getUint32(HEADER.sectionCount.offset, true)
  const groups = [words(8, 2, 1), words(10, 2, 1), words(12, 20, 4), words(HEADER_BYTES, (count + 1) * ENTRY_BYTES, 4)]
  for (let i = 0; i < count; i++) {
    const at = HEADER_BYTES + i * ENTRY_BYTES
    const start = Number(view.getBigUint64(at + ENTRY.offset.offset, true))
    const length = Number(view.getBigUint64(at + ENTRY.length.offset, true))
    const kind = view.getUint32(at, true)
    if (kind === KIND.meta) {
      groups.push(words(start, 8, 4), words(start + 8, 8, 1), words(start + META.seed.offset, 52, 4))
      groups.push(words(start + META.rungs.offset, 3 * RUNG_BYTES, 4), words(start + META_BYTES - 64, 64, 4))
    } else groups.push(words(start, Math.ceil(length / 64) * 64, kind === KIND.idBytes || kind === KIND.rows ? 1 : 4))
  }
  return groups
}

/** Values that break careless code, near what is there or far from it. */
function alter(view: DataView, { offset, length }: Place, rng: Rng): void {
  if (length === 1) return view.setUint8(offset, [0, 1, 2, 3, 4, 8, 9, 127, 128, 255, rng.below(256)][rng.below(11)]!)
  const old = view.getUint32(offset, true)
  const near = [old + 1, old - 1, old ^ (1 << rng.below(32)), old * 2, old + 64]
  const far = [
    0,
    1,
    2,
    3,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x7f800000,
    0x7fc00000,
    0x10000,
    rng.uint32(),
    rng.below(16),
  ]
  const choices = [...near, ...far]
  view.setUint32(offset, choices[rng.below(choices.length)]! >>> 0, true)
}

/** Alter one to three fields of a region, here or there, and repair its checksums. */
export async function alterRegion(region: Uint8Array, rng: Rng): Promise<void> {
  const view = new DataView(region.buffer)
  const groups = places(region)
  for (let edits = 1 + rng.below(3); edits > 0; edits--) {
    const group = groups[rng.below(groups.length)]!
    alter(view, group[rng.below(group.length)]!, rng)
  }
  await repair(region)
}
