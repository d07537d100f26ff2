/** Positions that a scan of entries scores, in order: with a set of rows seen, each only once. */
export function scanEntries(entries: readonly number[], seen: Set<number> | undefined): number[] {
  if (seen === undefined) return [...entries]
  return entries.filter((position) => {
    if (seen.has(position)) return false
    seen.add(position)
    return true
  })
}

/** The first byte of every line of 64 that holds a byte from `start` to `end`, joined by exclusive or. */
export function touchLines(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0
  for (let at = start - (start % 64); at < end; at += 64) sum ^= bytes[at]!
  return sum
}

/**
 * The first byte of a line of each of some runs of bytes, then of the next lines, twelve runs at a time, joined by exclusive or:
 * the last line of a run again and again until the longest of the twelve ends.
 * @param runs - where each begins and ends.
 */
export function touchTurns(bytes: Uint8Array, runs: readonly (readonly [number, number])[]): number {
  const lines = runs.map(([start, end]) => [Math.floor(start / 64), Math.ceil(end / 64) - 1] as const)
  let sum = 0
  for (let first = 0; first < lines.length; first += 12) {
    const turn = lines.slice(first, first + 12)
    const longest = Math.max(...turn.map(([line, last]) => last - line))
    for (const [line, last] of turn) {
      for (let i = 0; i <= longest; i++) sum ^= bytes[Math.min(line + i, last) * 64]!
    }
  }
  return sum
}

/**
 * The first byte of every line of the rows at some positions, and of its four in each table, all joined by exclusive or.
 * @param rows - from the beginning of a line on; `tables` - bytes, four by position.
 */
export function touchRows(
  rows: Uint8Array,
  positions: readonly number[],
  stride: number,
  tables: readonly Uint8Array[],
): number {
  let sum = 0
  for (const position of positions) {
    sum ^= touchLines(rows, position * stride, (position + 1) * stride)
    for (const table of tables) sum ^= table[position * 4]!
  }
  return sum
}
