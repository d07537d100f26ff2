/** A row less a centre in units of its own, so that it is 32,000 units long. */
export function centredInteger(row: readonly number[], centre: readonly number[]): { units: number[]; unit: number } {
  const values = row.map((value, i) => value - centre[i]!)
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
  const unit = length / 32_000
  return { units: values.map((value) => (length === 0 ? 0 : Math.round(value / unit))), unit }
}

/** (query . row) * unit + bias by row: the sum in whole numbers, then in f32. */
export function scaledDot(
  query: readonly number[],
  rows: readonly (readonly number[])[],
  unit: number,
  bias: readonly number[],
): number[] {
  return rows.map((row, r) => {
    const sum = row.reduce((sum, value, i) => sum + value * query[i]!, 0)
    return Math.fround(Math.fround(Math.fround(sum) * unit) + bias[r]!)
  })
}
