import { expect, test } from '@jest/globals'
import { toHalf } from '../../../build/base/convert.js'
import { fromHalf } from '../../../build/base/half.js'
import { Rng } from '../../../build/base/rng.js'

/** The value of a half by its definition: sign, exponent of base 15, ten bits of fraction. */
function byDefinition(bits: number): number {
  const sign = bits >>> 15 === 1 ? -1 : 1
  const exponent = (bits >>> 10) & 31
  const fraction = (bits & 1023) / 1024
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15)
}

test('all 65,536 halves have the value of their definition, and come back from it', () => {
  for (let bits = 0; bits < 65_536; bits++) {
    const value = fromHalf(bits)
    if (!Object.is(value, byDefinition(bits))) expect([bits, value]).toEqual([bits, byDefinition(bits)])
    const back = toHalf(value)
    if (Number.isNaN(value)) expect(Number.isNaN(fromHalf(back))).toBe(true)
    else if (back !== bits) expect([bits, back]).toEqual([bits, bits])
  }
})

test('between two halves the nearer is taken, half-way the even one', () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [fromHalf(bits), fromHalf(bits + 1)]
    const middle = (low + high) / 2
    const even = bits % 2 === 0 ? bits : bits + 1
    const quarter = (high - low) / 4
    const found = [toHalf(middle), toHalf(middle - quarter), toHalf(middle + quarter), toHalf(-middle)]
    const wanted = [even, bits, bits + 1, even | 0x8000]
    if (found.join() !== wanted.join()) expect([bits, ...found]).toEqual([bits, ...wanted])
  }
})

test('any float rounds to a half that no other is nearer than', () => {
  const rng = new Rng(8)
  for (let i = 0; i < 20_000; i++) {
    const value = Math.fround(rng.normal() * 2 ** (rng.below(38) - 25))
    const bits = toHalf(value)
    expect(bits & 0x7fff).toBeLessThan(0x7c00)
    const error = Math.abs(fromHalf(bits) - value)
    const others = [bits - 1, bits + 1].filter((other) => (other & 0x7fff) < 0x7c00 && other >>> 15 === bits >>> 15)
    for (const other of others) expect(error).toBeLessThanOrEqual(Math.abs(fromHalf(other & 0xffff) - value))
  }
})

test.each([
  [65_504, 0x7bff],
  [65_519.996, 0x7bff],
  [65_520, 0x7c00],
  [-1e9, 0xfc00],
  [Infinity, 0x7c00],
  [-Infinity, 0xfc00],
  [0, 0],
  [-0, 0x8000],
  [2 ** -24, 1],
  [2 ** -25, 0],
  [2 ** -25 * 1.0001, 1],
  [1e-30, 0],
])('the half of %d has the bits %i', (value, bits) => {
  expect(toHalf(value)).toBe(bits)
})
