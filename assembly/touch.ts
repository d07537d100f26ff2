import { Leaf } from './leaves'

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

/** Bytes of records that are looked into ahead: what the second cache of a current server holds. */
const BYTES_AHEAD: isize = 1 << 20

/**
 * Look into the records of leaves u32 [count] ahead of `leafBases` and `scanCodes`, up to `BYTES_AHEAD`. Positions
 * are left out: those of the few entries that are chosen are all that is read.
 * @param scratch - eight bytes.
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
  for (const end = leaves + ((<usize>count) << 2); leaves < end && left > 0; leaves += 4) {
    const leaf = load<u32>(leaves)
    const record = Leaf.record(records, leafOffsets, leaf, head, entryBytes)
    const positions = Leaf.positions(record, Leaf.size(leafOffsets, leaf), head, entryBytes)
    sum ^= Touch.lines(record, positions)
    left -= positions - record
  }
  store<u64>(scratch, sum)
}
