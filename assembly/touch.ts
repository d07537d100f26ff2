/**
 * Look into rows at positions u32 [count] ahead of `scanEntries`. There is no prefetch in WebAssembly, but a load that nothing
 * waits for is as good: the processor goes on, and many lines are on their way at once.
 * @param stride - bytes from one row to the next, all of which are looked into.
 * @param scratch - eight bytes that nobody reads: what is stored there keeps a compiler from leaving the loads out.
 */
export function touchRows(positions: usize, count: i32, rows: usize, stride: usize, scratch: usize): void {
  let sum: u64 = 0
  for (const end = positions + ((<usize>count) << 2); positions < end; positions += 4) {
    let line = rows + <usize>load<u32>(positions) * stride
    for (const last = line + stride; line < last; line += 64) sum ^= <u64>load<u8>(line)
  }
  store<u64>(scratch, sum)
}
