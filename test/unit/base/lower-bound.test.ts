import { expect, test } from '@jest/globals'
import { lowerBound } from '../../../build/base/lower-bound.js'
import { Rng } from '../../../build/base/rng.js'

test('the first place of ascending values that is at least what is wanted', () => {
  const rng = new Rng(1)
  for (let length = 0; length < 20; length++) {
    const values = Uint32Array.from({ length }, () => rng.below(12)).sort()
    for (let wanted = 0; wanted < 14; wanted++) {
      const found = [...values].findIndex((value) => value >= wanted)
      expect(lowerBound(values, wanted)).toBe(found < 0 ? length : found)
    }
  }
})
