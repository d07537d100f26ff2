/** The k best of `bias - query . row`, ties to the lower position. */
export function nearest(
  query: readonly number[],
  rows: readonly (readonly number[])[],
  bias: readonly number[],
  positions: readonly number[],
  k: number,
): number[] {
  return rows
    .map((row, i) => ({
      position: positions[i]!,
      distance: bias[i]! - row.reduce((sum, value, d) => sum + value * query[d]!, 0),
    }))
    .sort((a, b) => a.distance - b.distance || a.position - b.position)
    .slice(0, k)
    .map(({ position }) => position)
}

/** The scores that may stay and those that must, of a list of which `least` to `most` are kept. */
export function shortened(scores: readonly number[], least: number, most: number): { must: number[]; may: number[] } {
  const sorted = [...scores].sort((a, b) => b - a)
  if (scores.length <= most) return { must: sorted, may: sorted }
  return { must: sorted.slice(0, least), may: sorted.slice(0, most) }
}
