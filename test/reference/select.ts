/** Indices of scores, best first, larger is better, ties by lower index; NaN as -Infinity. */
export function bestFirst(scores: ArrayLike<number>): number[] {
  const clean = Array.from(scores, (score) => (Number.isNaN(score) ? -Infinity : score))
  return clean.map((_, i) => i).sort((a, b) => (clean[a] === clean[b] ? a - b : clean[a]! > clean[b]! ? -1 : 1))
}

/** Indices of the best `width` scores, ascending. */
export function selectBest(scores: ArrayLike<number>, width: number): number[] {
  return bestFirst(scores)
    .slice(0, width)
    .sort((a, b) => a - b)
}

export function countAbove(scores: ArrayLike<number>, bound: number): number {
  return Array.from(scores).filter((score) => score > bound).length
}

/** Indices of the scores of a rank r, the number of better ones, that are less than reach / sqrt(r) below the best, in f32. */
export function keepNear(scores: ArrayLike<number>, reach: number): number[] {
  const values = Array.from(scores)
  const best = Math.max(...values)
  const gaps = values.map((score) => Math.fround(best - score))
  const rank = (gap: number): number => Math.fround(Math.sqrt(gaps.filter((other) => other < gap).length))
  return gaps.flatMap((gap, i) => (Math.fround(rank(gap) * gap) < Math.fround(reach) ? [i] : []))
}
