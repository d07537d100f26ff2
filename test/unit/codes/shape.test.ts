import { expect, test } from '@jest/globals'
import { codeShape, defaultCodeBytes, mostCodeBytes, tableLevels } from '../../../build/codes/shape.js'

test('bytes of a code follow the dimension: two components a sub-code, then three, then four', () => {
  const bytes = [1, 2, 3, 4, 5, 25, 96, 100, 128, 192, 193, 256, 320, 321, 384, 768, 1536].map((dim) => [
    dim,
    defaultCodeBytes(dim, 'f32'),
    codeShape(dim, defaultCodeBytes(dim, 'f32')).width,
  ])
  expect(bytes).toEqual([
    [1, 1, 1],
    [2, 1, 1],
    [3, 1, 2],
    [4, 1, 2],
    [5, 2, 2],
    [25, 7, 2],
    [96, 24, 2],
    [100, 25, 2],
    [128, 32, 2],
    [192, 48, 2],
    [193, 33, 3],
    [256, 43, 3],
    [320, 54, 3],
    [321, 41, 4],
    [384, 48, 4],
    [768, 96, 4],
    [1536, 192, 4],
  ])
})

test('u8 rows take three components a sub-code, or four as others do', () => {
  expect([96, 128, 192, 256, 384].map((dim) => defaultCodeBytes(dim, 'u8'))).toEqual([16, 22, 32, 43, 48])
  expect(defaultCodeBytes(128, 'i8')).toBe(32)
  expect(defaultCodeBytes(128, 'none')).toBe(32)
})

test('sub-codes cover every component, and tables of every shape add up within a score', () => {
  for (const dim of [1, 2, 3, 5, 31, 32, 100, 321, 1000, 1041, 4096, 33_000, 65_536]) {
    const most = mostCodeBytes(dim)
    for (const codeBytes of new Set([1, 2, 3, most >> 1, most - 1, most])) {
      if (codeBytes > most || codeBytes < 1) continue
      const shape = codeShape(dim, codeBytes)
      expect(shape.columns).toBe(codeBytes)
      expect(shape.subs).toBe(2 * shape.columns)
      expect(shape.dims).toBe(shape.subs * shape.width)
      expect(shape.dims).toBeGreaterThanOrEqual(dim)
      expect(shape.dims - dim).toBeLessThan(shape.subs)
      const levels = tableLevels(shape)
      expect(levels).toBeGreaterThanOrEqual(1)
      expect(levels * shape.subs).toBeLessThanOrEqual(32_767)
      expect(levels).toBe(Math.min(63, Math.floor(32_767 / shape.subs)))
    }
  }
})
