/** Layer norm of x + y; `norm` is the gain, then the shift. */
export function addNorm(x: ArrayLike<number>, y: ArrayLike<number>, norm: ArrayLike<number>): number[] {
  const n = x.length
  const sums = Array.from(x, (value, i) => value + y[i]!)
  const mean = sums.reduce((total, value) => total + value, 0) / n
  const variance = sums.reduce((total, value) => total + (value - mean) ** 2, 0) / n
  return sums.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * norm[i]! + norm[n + i]!)
}

/**
 * One weight's step of Adam, in floats of 32 bits.
 * @param shares - of the summed gradient; kept and added of the mean, and of the square; step size; epsilon.
 * @returns weight, mean and square after it.
 */
export function adamStep(
  weight: number,
  mean: number,
  square: number,
  one: number,
  other: number,
  shares: readonly [number, number, number, number, number, number, number],
): number[] {
  const { fround } = Math
  const [share, keptMean, addedMean, keptSquare, addedSquare, size, epsilon] = shares.map(fround) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const gradient = fround(fround(one + other) * share)
  const moved = fround(fround(mean * keptMean) + fround(gradient * addedMean))
  const squared = fround(fround(square * keptSquare) + fround(fround(gradient * gradient) * addedSquare))
  const root = fround(fround(Math.sqrt(squared)) + epsilon)
  return [fround(weight - fround(fround(moved / root) * size)), moved, squared]
}
