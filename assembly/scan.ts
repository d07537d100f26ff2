import { Distance } from './distance'
import { Heap } from './topk'

/** Offers of four distances at a time; the table of ids is read only for those that can enter. */
abstract class Offers {
  /** Offer the distances of the rows at positions a to d whose bit is set in `lanes`. */
  @inline static four(heap: usize, order: usize, distances: v128, lanes: i32, a: u32, b: u32, c: u32, d: u32): void {
    const near = i32x4.bitmask(f32x4.le(distances, f32x4.splat(Heap.threshold(heap)))) & lanes
    if (near) Offers.some(heap, order, distances, near, a, b, c, d)
  }

  static some(heap: usize, order: usize, distances: v128, lanes: i32, a: u32, b: u32, c: u32, d: u32): void {
    if (lanes & 1) Offers.one(heap, order, f32x4.extract_lane(distances, 0), a)
    if (lanes & 2) Offers.one(heap, order, f32x4.extract_lane(distances, 1), b)
    if (lanes & 4) Offers.one(heap, order, f32x4.extract_lane(distances, 2), c)
    if (lanes & 8) Offers.one(heap, order, f32x4.extract_lane(distances, 3), d)
  }

  @inline private static one(heap: usize, order: usize, distance: f32, position: u32): void {
    if (distance > Heap.threshold(heap)) return
    Heap.offer(heap, distance, order ? load<u32>(order + ((<usize>position) << 2)) : position)
  }
}

/**
 * Offer the rows at positions [first, first + count) to a heap.
 * @param scales - f32 by position, read for cosine alone.
 * @param order - u32 ids by position, or 0 where the position is the id.
 */
export function scanRows(
  metric: i32,
  type: i32,
  queryKind: i32,
  query: usize,
  dim: i32,
  rows: usize,
  stride: usize,
  first: u32,
  count: i32,
  scales: usize,
  order: usize,
  heap: usize,
): void {
  for (let i = 0; i < count; i += 4) {
    const last = first + count - 1
    const a = first + i
    const b = min(a + 1, last)
    const c = min(a + 2, last)
    const d = min(a + 3, last)
    const distances = Distance.four(metric, type, queryKind, query, dim, rows, stride, scales, a, b, c, d)
    const lanes = count - i < 4 ? (1 << (count - i)) - 1 : 15
    Offers.four(heap, order, distances, lanes, a, b, c, d)
  }
}

/**
 * Offer the rows at positions entries u32 [count] to a heap, and return how many were scored. Rows met before are passed
 * over without a look at them: the others wait until there are four.
 *
 *   seen   | byte 0: positions 7 .. 0 | byte 1: positions 15 .. 8 | ...   bit p & 7 of byte p >> 3
 *
 * @param seen - bits of the rows met, set here; 0 to score every entry.
 * @param scales - f32 by position, read for cosine alone.
 * @param order - u32 ids by position, or 0 where the position is the id.
 */
export function scanEntries(
  metric: i32,
  type: i32,
  queryKind: i32,
  query: usize,
  dim: i32,
  rows: usize,
  stride: usize,
  entries: usize,
  count: i32,
  seen: usize,
  scales: usize,
  order: usize,
  heap: usize,
): i32 {
  if (count <= 0) return 0
  let a = load<u32>(entries)
  let b = a
  let c = a
  let d = a
  let waiting = 0
  let scored = 0
  for (const end = entries + ((<usize>count) << 2); entries < end; entries += 4) {
    const position = load<u32>(entries)
    if (seen) {
      const byte = seen + (position >> 3)
      const bits = <u32>load<u8>(byte)
      const bit = (<u32>1) << (position & 7)
      if (bits & bit) continue
      store<u8>(byte, bits | bit)
    }
    a = b
    b = c
    c = d
    d = position
    scored++
    if (++waiting < 4) continue
    waiting = 0
    const distances = Distance.four(metric, type, queryKind, query, dim, rows, stride, scales, a, b, c, d)
    Offers.four(heap, order, distances, 15, a, b, c, d)
  }
  if (waiting) {
    const distances = Distance.four(metric, type, queryKind, query, dim, rows, stride, scales, a, b, c, d)
    Offers.four(heap, order, distances, 15 & (15 << (4 - waiting)), a, b, c, d)
  }
  return scored
}
