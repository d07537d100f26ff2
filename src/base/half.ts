const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

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

/** The value of an IEEE half: its bits in the place of a float's are 2^112 times too small, subnormal or not. */
export function fromHalf(half: number): number {
  bits[0] = (half & 0x7fff) << 13
  const magnitude = (half & 0x7c00) < 0x7c00 ? float[0]! * 2 ** 112 : half & 1023 ? NaN : Infinity
  return half & 0x8000 ? -magnitude : magnitude
}
