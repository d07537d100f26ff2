import { InvalidArgumentError } from './errors.js'
import { bits, float } from './half.js'
import type { RowType } from './options.js'
import { rowArray, toFloats, type RowArray } from './rows.js'

/** Bits of the nearest IEEE half to `value`, ties to even; beyond 65,504 it is infinite. */
export function toHalf(value: number): number {
  float[0] = value
  const word = bits[0]!
  const sign = (word >>> 16) & 0x8000
  const magnitude = word & 0x7fffffff
  if (magnitude >= 0x7f800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00)
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x38800000) {
    // Subnormal: the half's unit is 2^-24, and Math.round's ties are mended to even.
    const units = Math.abs(value) * 2 ** 24
    const floor = Math.floor(units)
    const rest = units - floor
    const up = rest > 0.5 || (rest === 0.5 && floor % 2 === 1)
    return sign | (floor + (up ? 1 : 0))
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1)
  return sign | ((rounded - 0x38000000) >>> 13)
}

/**
 * Convert components to another row type.
 * @throws {InvalidArgumentError} when an 8-bit type cannot hold a value exactly, or f16 cannot hold it at all.
 */
export function convertRows(data: RowArray, from: RowType, to: RowType): RowArray {
  if (from === to) return data
  const values = toFloats(data, from)
  if (to === 'f32') return values
  const out = rowArray(to, data.length)
  const [low, high] = to === 'u8' ? [0, 255] : [-128, 127]
  for (let i = 0; i < data.length; i++) {
    const value = values[i]!
    if (to === 'f16') {
      if (Math.abs(value) > 65_504) {
        throw new InvalidArgumentError(
          'storage',
          `a component is ${value}, beyond the 65,504 that f16 holds; store f32, or scale the rows`,
        )
      }
      out[i] = toHalf(value)
    } else {
      if (!Number.isInteger(value) || value < low || value > high) {
        throw new InvalidArgumentError(
          'storage',
          `a component is ${value}, but ${to} holds whole numbers from ${low} to ${high}; store f16 or f32, or quantise the rows first`,
        )
      }
      out[i] = value
    }
  }
  return out
}
