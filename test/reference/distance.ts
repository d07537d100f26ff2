/** Metric codes 0 l2, 1 ip, 2 cosine, in f64. */
export function distance(metric: number, query: ArrayLike<number>, row: ArrayLike<number>, scale: number): number {
  let sum = 0
  for (let i = 0; i < query.length; i++) {
    sum += metric === 0 ? (query[i]! - row[i]!) ** 2 : query[i]! * row[i]!
  }
  if (metric === 0) return sum
  return metric === 1 ? 0 - sum : 1 - sum * scale
}

/** Sum of the absolute terms of a distance: what its rounding errors are relative to. */
export function magnitude(metric: number, query: ArrayLike<number>, row: ArrayLike<number>, scale: number): number {
  let sum = 0
  for (let i = 0; i < query.length; i++) {
    sum += metric === 0 ? (query[i]! - row[i]!) ** 2 : Math.abs(query[i]! * row[i]!)
  }
  return metric === 2 ? 1 + sum * Math.abs(scale) : sum
}

export function distances(
  metric: number,
  query: ArrayLike<number>,
  rows: readonly ArrayLike<number>[],
  scales: ArrayLike<number>,
): number[] {
  return rows.map((row, i) => distance(metric, query, row, scales[i]!))
}

export function distancesAt(
  metric: number,
  query: ArrayLike<number>,
  rows: readonly ArrayLike<number>[],
  positions: readonly number[],
  scales: ArrayLike<number>,
): number[] {
  return positions.map((position) => distance(metric, query, rows[position]!, scales[position]!))
}
