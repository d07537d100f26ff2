import { Leaf } from './leaves'

/** Bytes of records that are looked into ahead: what the second cache of a current server holds. */
const BYTES_AHEAD: isize = 1 << 20

/** How many records are looked into in turns, a line of each: they come at up to twice the pace of one after the other. */
const TURNS: i32 = 12

/**
 * Looks into memory ahead of those who need it. There is no prefetch in WebAssembly, but a load that nothing waits for is as
 * good: the processor goes on, and many lines are on their way at once. What was loaded is stored in eight bytes that nobody
 * reads: that keeps a compiler from leaving the loads out.
 */
abstract class Touch {
  /** The first byte of every line of 64 that holds a byte from `start` to `end`, joined by exclusive or. */
  @inline static lines(start: usize, end: usize): u64 {
    let sum: u64 = 0
    for (let line = start & ~63; line < end; line += 64) sum ^= <u64>load<u8>(line)
    return sum
  }
}

/**
 * Look into rows at positions u32 [count], their scales and their ids ahead of `scanEntries`.
 * @param stride - bytes from one row to the next, all of which are looked into.
 * @param scales - f32 by position, or 0.
 * @param order - u32 ids by position, or 0.
 * @param scratch - eight bytes.
 */
export function touchRows(
  positions: usize,
  count: i32,
  rows: usize,
  stride: usize,
  scales: usize,
  order: usize,
  scratch: usize,
): void {
  let sum: u64 = 0
  for (const end = positions + ((<usize>count) << 2); positions < end; positions += 4) {
    const position = <usize>load<u32>(positions)
    const row = rows + position * stride
    sum ^= Touch.lines(row, row + stride)
    if (scales) sum ^= <u64>load<u8>(scales + (position << 2))
    if (order) sum ^= <u64>load<u8>(order + (position << 2))
  }
  store<u64>(scratch, sum)
}

/**
 * Look into the records of leaves u32 [count] ahead of `leafBases` and `scanCodes`, up to `BYTES_AHEAD`. Positions
 * are left out: those of the few entries that are chosen are all that is read.
 *
 *   scratch   | first line u32 | last line u32 |     for each of the leaves of a turn, at most 12
 */
export function touchLeaves(
  leaves: usize,
  count: i32,
  dim: i32,
  records: usize,
  leafOffsets: usize,
  entryBytes: usize,
  scratch: usize,
): void {
  const head = Leaf.head(dim)
  let left = BYTES_AHEAD
  let sum: u64 = 0
  for (let first = 0; first < count && left > 0; first += TURNS) {
    const end = scratch + ((<usize>min(TURNS, count - first)) << 3)
    let longest: usize = 0
    for (let turn = scratch; turn < end; turn += 8) {
      const leaf = load<u32>(leaves)
      const record = Leaf.record(records, leafOffsets, leaf, head, entryBytes)
      const bytes = Leaf.positions(record, Leaf.size(leafOffsets, leaf), head, entryBytes) - record
      const line = record & ~63
      const last = (record + bytes - 1) & ~63
      store<u32>(turn, <u32>line)
      store<u32>(turn, <u32>last, 4)
      longest = max(longest, last - line)
      left -= bytes
      leaves += 4
    }
    for (let at: usize = 0; at <= longest; at += 64) {
      for (let turn = scratch; turn < end; turn += 8) {
        // A line that was there before costs nothing; where a record ends is nothing that a processor can guess.
        sum ^= <u64>load<u8>(min(<usize>load<u32>(turn) + at, <usize>load<u32>(turn, 4)))
      }
    }
  }
  store<u64>(scratch, sum)
}
