import { expect, test } from '@jest/globals'
import { exponentOf } from '../../bench/scale/fit.js'

test('exponentOf finds the exponent of a power, and none in one point', () => {
  const points = [1e4, 1e5, 1e6].map((rows) => [rows, 3 * rows ** 0.4] as const)
  expect(exponentOf(points)).toBeCloseTo(0.4)
  expect(exponentOf(points.slice(0, 1))).toBeUndefined()
})
