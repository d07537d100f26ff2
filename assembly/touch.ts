/**
 * Early looks at memory that is about to be read. There is no prefetch in WebAssembly, but a load that nothing waits for is as
 * good: the processor goes on, and many lines are on their way at once.
 */
export abstract class Touch {
  /** Look into every line of some bytes. The caller must store the result, or a compiler may leave the loads out. */
  static lines(from: usize, bytes: usize): u64 {
    let sum: u64 = 0
    for (const end = from + bytes; from < end; from += 64) sum ^= <u64>load<u8>(from)
    return sum
  }
}

/**
 * Look into rows at positions u32 [count] ahead of `scanEntries`.
 * @param stride - bytes from one row to the next, all of which are looked into.
 * @param scratch - eight bytes that nobody reads.
 */
export function touchRows(positions: usize, count: i32, rows: usize, stride: usize, scratch: usize): void {
  let sum: u64 = 0
  for (const end = positions + ((<usize>count) << 2); positions < end; positions += 4) {
    sum ^= Touch.lines(rows + <usize>load<u32>(positions) * stride, stride)
  }
  store<u64>(scratch, sum)
}
