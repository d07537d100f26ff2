export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

export function dots(
  queries: readonly ArrayLike<number>[],
  rows: readonly ArrayLike<number>[],
  bias: ArrayLike<number> | undefined,
  relu: boolean,
): number[][] {
  return queries.map((query) =>
    rows.map((row, i) => {
      const sum = dot(query, row) + (bias?.[i] ?? 0)
      return relu ? Math.max(0, sum) : sum
    }),
  )
}

export function dotsAt(
  query: ArrayLike<number>,
  rows: readonly ArrayLike<number>[],
  ids: readonly number[],
  bias: ArrayLike<number> | undefined,
): number[] {
  return ids.map((id) => dot(query, rows[id]!) + (bias?.[id] ?? 0))
}
