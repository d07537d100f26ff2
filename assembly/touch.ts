/**
 * Look into rows at positions u32 [count], their scales and their ids ahead of `scanEntries`. There is no prefetch in
 * WebAssembly, but a load that nothing waits for is as good: the processor goes on, and many lines are on their way at once.
 * @param stride - bytes from one row to the next, all of which are looked into.
 * @param scales - f32 by position, or 0.
 * @param order - u32 ids by position, or 0.
 * @param scratch - eight bytes that nobody reads: what is stored there keeps a compiler from leaving the loads out.
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
    let line = rows + position * stride
    for (const last = line + stride; line < last; line += 64) sum ^= <u64>load<u8>(line)
    if (scales) sum ^= <u64>load<u8>(scales + (position << 2))
    if (order) sum ^= <u64>load<u8>(order + (position << 2))
  }
  store<u64>(scratch, sum)
}
