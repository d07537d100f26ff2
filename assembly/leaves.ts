import { Lanes } from './lanes'
import { Sums } from './sums'

/**
 * Records of leaves: all that a visit reads of a leaf lies together, in as few pages of memory as can be. Leaf l holds entries
 * [leafOffsets[l], leafOffsets[l + 1]); where its record begins follows from the leaves and entries before it.
 *
 *   record    | scale f32 | bias f32 | centroid i8 [dim to 16] | blocks | entries u32 [n] |
 *   block     of m entries, 16 in all but the last: | column 0: m bytes | ... | columns - 1 | terms i16 [m], where there are |
 *
 * A block of fewer than 16 entries is read as if it were whole: zeros follow the last record.
 */
export abstract class Leaf {
  /** Where the bias stands. */
  static readonly BIAS: usize = 4
  /** Where the centroid begins. */
  static readonly CENTROID: usize = 8

  /** Bytes before the first block. */
  @inline static head(dim: i32): usize {
    return Leaf.CENTROID + ((<usize>dim + 15) & ~15)
  }

  /** How many entries a leaf holds. */
  @inline static size(leafOffsets: usize, leaf: u32): u32 {
    const at = leafOffsets + ((<usize>leaf) << 2)
    return load<u32>(at, 4) - load<u32>(at)
  }

  /**
   * Where the record of a leaf begins.
   * @param entryBytes - what an entry takes in all: its code, its term and its number.
   */
  @inline static record(records: usize, leafOffsets: usize, leaf: u32, head: usize, entryBytes: usize): usize {
    return records + <usize>leaf * head + <usize>load<u32>(leafOffsets + ((<usize>leaf) << 2)) * entryBytes
  }

  /** Where the positions of a record of `size` entries begin, and its blocks end. */
  @inline static positions(record: usize, size: u32, head: usize, entryBytes: usize): usize {
    return record + head + <usize>size * (entryBytes - 4)
  }
}

/** Entries of leaves u32 [count]. */
export function countEntries(leaves: usize, count: i32, leafOffsets: usize): i32 {
  let entries: u32 = 0
  for (const end = leaves + ((<usize>count) << 2); leaves < end; leaves += 4) {
    entries += Leaf.size(leafOffsets, load<u32>(leaves))
  }
  return <i32>entries
}

/**
 * Bases of leaves: bias - weight * (query . centroid), less the smallest of them, times `scale`: out i32 [count], at most
 * 32,767, the rest counts as that.
 * @param query - i16, in steps of `unit`.
 * @param scratch - f32 [count].
 * @returns the smallest base, unscaled.
 */
export function leafBases(
  query: usize,
  unit: f32,
  dim: i32,
  records: usize,
  leafOffsets: usize,
  entryBytes: usize,
  weight: f32,
  leaves: usize,
  count: i32,
  scale: f32,
  scratch: usize,
  out: usize,
): f32 {
  const head = Leaf.head(dim)
  let least: f32 = Infinity
  for (let i = 0; i < count; i += 4) {
    const last = count - 1
    const a = Leaf.record(records, leafOffsets, load<u32>(leaves + ((<usize>i) << 2)), head, entryBytes)
    const b = Leaf.record(records, leafOffsets, load<u32>(leaves + ((<usize>min(i + 1, last)) << 2)), head, entryBytes)
    const c = Leaf.record(records, leafOffsets, load<u32>(leaves + ((<usize>min(i + 2, last)) << 2)), head, entryBytes)
    const d = Leaf.record(records, leafOffsets, load<u32>(leaves + ((<usize>min(i + 3, last)) << 2)), head, entryBytes)
    const sums = Sums.integerProducts<i8>(
      query,
      dim,
      a + Leaf.CENTROID,
      b + Leaf.CENTROID,
      c + Leaf.CENTROID,
      d + Leaf.CENTROID,
    )
    const scaled = f32x4.mul(f32x4.mul(sums, Lanes.floats(a, b, c, d)), f32x4.splat(weight * unit))
    const base = f32x4.sub(Lanes.floats(a + Leaf.BIAS, b + Leaf.BIAS, c + Leaf.BIAS, d + Leaf.BIAS), scaled)
    Lanes.store(scratch + ((<usize>i) << 2), base, count - i)
  }
  for (let i: usize = 0; i < <usize>count; i++) least = min(least, load<f32>(scratch + (i << 2)))
  for (let i: usize = 0; i < <usize>count; i++) {
    const above = (load<f32>(scratch + (i << 2)) - least) * scale
    store<i32>(out + (i << 2), above < 32767 ? <i32>nearest(above) : 32767)
  }
  return least
}
