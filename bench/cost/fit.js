// @ts-check

/** Rounds over the coefficients; a few hundred settle a handful of them. */
const ROUNDS = 2000

/**
 * Coefficients, none below zero, that come nearest to the times: least squares of the relative error, one coefficient
 * after another.
 * @param {readonly (readonly number[])[]} features - by measurement.
 * @param {readonly number[]} times
 * @returns {number[]}
 */
export function fitCosts(features, times) {
  const width = features[0]?.length ?? 0
  const scaled = features.map((row, i) => row.map((value) => value / (times[i] ?? 1)))
  const found = new Array(width).fill(0)
  /** What is left of each measurement, which is 1 at the start. */
  const left = times.map(() => 1)
  for (let round = 0; round < ROUNDS; round++) {
    for (let j = 0; j < width; j++) {
      let along = 0
      let square = 0
      scaled.forEach((row, i) => {
        const value = row[j] ?? 0
        along += value * (left[i] ?? 0)
        square += value * value
      })
      const next = square === 0 ? 0 : Math.max(0, found[j] + along / square)
      scaled.forEach((row, i) => (left[i] = (left[i] ?? 0) - (next - found[j]) * (row[j] ?? 0)))
      found[j] = next
    }
  }
  return found
}

/**
 * How well a cost follows time: the factor between them is the machine's, what counts is how much it varies.
 * @param {readonly number[]} costs @param {readonly number[]} times
 * @returns {{ factor: number, low: number, high: number }} the median of time / cost, and its 5th and 95th percentile over
 * the median.
 */
export function agreement(costs, times) {
  const ratios = times.map((time, i) => time / (costs[i] ?? 1)).sort((a, b) => a - b)
  const at = (/** @type {number} */ share) => ratios[Math.floor(share * (ratios.length - 1))] ?? 0
  return { factor: at(0.5), low: at(0.05) / at(0.5), high: at(0.95) / at(0.5) }
}
