import { expect, test } from '@jest/globals'
import { align64 } from '../../../build/base/align.js'

test('rounds up to a multiple of 64, beyond 2 GiB as below', () => {
  for (const base of [0, 2 ** 31 - 64, 2 ** 31, 2 ** 32 - 64, 2 ** 40]) {
    expect(align64(base)).toBe(base)
    for (const more of [1, 63, 64]) expect(align64(base + more)).toBe(base + 64)
  }
})
