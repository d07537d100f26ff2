const END = 0xffffffff

/** Leaves and values of one point's candidates, score less price in f32 as the kernel takes it; a list may end early. */
function values(
  leaves: readonly number[] | undefined,
  scores: readonly number[],
  prices: ArrayLike<number>,
): { leaf: number; value: number }[] {
  const listed = leaves?.indexOf(END) ?? -1
  return scores
    .slice(0, listed < 0 ? scores.length : listed)
    .map((score, j) => ({ leaf: leaves?.[j] ?? j, value: Math.fround(score - prices[leaves?.[j] ?? j]!) }))
}

/** The leaf of the best value, the first of equals; 0xffffffff for an empty list. */
export function chooseLeaf(
  leaves: readonly number[] | undefined,
  scores: readonly number[],
  prices: ArrayLike<number>,
): number {
  const all = values(leaves, scores, prices)
  const most = Math.max(...all.map(({ value }) => value))
  return all.find(({ value }) => value === most)?.leaf ?? END
}

export function margin(
  leaves: readonly number[] | undefined,
  scores: readonly number[],
  prices: ArrayLike<number>,
  leaf: number,
): number {
  const all = values(leaves, scores, prices)
  const own = all.find((candidate) => candidate.leaf === leaf)
  if (own === undefined) return Infinity
  const others = all.filter((candidate) => candidate !== own).map(({ value }) => value)
  return Math.fround(own.value - Math.max(...others))
}
