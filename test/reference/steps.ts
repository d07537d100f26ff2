/** The largest step of an `i10` row. */
export const MOST_STEP = 511

/** Write a row in `i10` to zeroed bytes. @returns the step; 0 for a row of zeros. */
export function packSteps(row: ArrayLike<number>, out: Uint8Array): number {
  let most = 0
  for (let i = 0; i < row.length; i++) most = Math.max(most, Math.abs(row[i]!))
  const unit = Math.fround(most / MOST_STEP)
  if (unit === 0) return 0
  for (let i = 0; i < row.length; i++) {
    const step = Math.max(-MOST_STEP, Math.min(MOST_STEP, Math.round(row[i]! / unit)))
    const group = (i >> 6) * 80
    out[group + (i & 63)] = step >> 2
    out[group + 64 + (i & 15)]! |= (step & 3) << (2 * ((i >> 4) & 3))
  }
  return unit
}
