/** Layer norm of x + y; `norm` is the gain, then the shift. */
export function addNorm(x: ArrayLike<number>, y: ArrayLike<number>, norm: ArrayLike<number>): number[] {
  const n = x.length
  const sums = Array.from(x, (value, i) => value + y[i]!)
  const mean = sums.reduce((total, value) => total + value, 0) / n
  const variance = sums.reduce((total, value) => total + (value - mean) ** 2, 0) / n
  return sums.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * norm[i]! + norm[n + i]!)
}
