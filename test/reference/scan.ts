/** Positions that a scan of entries scores, in order: with a set of rows seen, each only once. */
export function scanEntries(entries: readonly number[], seen: Set<number> | undefined): number[] {
  if (seen === undefined) return [...entries]
  return entries.filter((position) => {
    if (seen.has(position)) return false
    seen.add(position)
    return true
  })
}

/**
 * The first byte of every 64 of each row at some positions, and of its four in each table, all joined by exclusive or.
 * @param tables - bytes, four by position.
 */
export function touchRows(
  rows: Uint8Array,
  positions: readonly number[],
  stride: number,
  tables: readonly Uint8Array[],
): number {
  let sum = 0
  for (const position of positions) {
    for (let at = 0; at < stride; at += 64) sum ^= rows[position * stride + at]!
    for (const table of tables) sum ^= table[position * 4]!
  }
  return sum
}
