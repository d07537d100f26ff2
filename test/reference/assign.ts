const END = 0xffffffff

/** Values of one point's candidates, score less price in f32 as the kernel takes it; a list may end early. */
function values(leaves: readonly number[] | undefined, scores: readonly number[], prices: ArrayLike<number>): number[] {
  const listed = leaves?.indexOf(END) ?? -1
  return scores
    .slice(0, listed < 0 ? scores.length : listed)
    .map((score, j) => Math.fround(score - prices[leaves?.[j] ?? j]!))
}

/** Place of the best value, the first of equals; -1 for an empty list. */
export function chooseByPrice(
  leaves: readonly number[] | undefined,
  scores: readonly number[],
  prices: ArrayLike<number>,
): number {
  const all = values(leaves, scores, prices)
  return all.indexOf(Math.max(...all))
}

export function regret(
  leaves: readonly number[] | undefined,
  scores: readonly number[],
  prices: ArrayLike<number>,
  choice: number,
): number {
  const all = values(leaves, scores, prices)
  if (choice < 0) return Infinity
  return Math.fround(all[choice]! - Math.max(...all.filter((_, j) => j !== choice)))
}
