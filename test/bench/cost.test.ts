import { expect, test } from '@jest/globals'
import { agreement, fitCosts } from '../../bench/cost/fit.js'

const FEATURES = [
  [1, 10, 0],
  [1, 0, 10],
  [1, 20, 5],
  [1, 3, 40],
  [1, 8, 8],
]

test('fitCosts finds the coefficients of a sum, and none below zero', () => {
  const times = FEATURES.map(([a = 0, b = 0, c = 0]) => 50 * a + 2 * b + 0.5 * c)
  const found = fitCosts(FEATURES, times)
  for (const [i, wanted] of [50, 2, 0.5].entries()) expect(found[i]).toBeCloseTo(wanted, 3)
  const falling = FEATURES.map(([a = 0, b = 0, c = 0]) => 100 * a + 2 * b - 0.5 * c)
  expect(Math.min(...fitCosts(FEATURES, falling))).toBe(0)
})

test('agreement takes out the factor of the machine and shows what is left', () => {
  expect(agreement([1, 2, 4], [3, 6, 12])).toEqual({ factor: 3, low: 1, high: 1 })
  const { low, high } = agreement([1, 1, 1, 1], [1, 2, 2, 4])
  expect(low).toBe(0.5)
  expect(high).toBe(1)
})
