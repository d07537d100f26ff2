/** One float and its bits. */
export const float = new Float32Array(1)
export const bits = new Uint32Array(float.buffer)

/** The value of an IEEE half: its bits in the place of a float's are 2^112 times too small, subnormal or not. */
export function fromHalf(half: number): number {
  bits[0] = (half & 0x7fff) << 13
  const magnitude = (half & 0x7c00) < 0x7c00 ? float[0]! * 2 ** 112 : half & 1023 ? NaN : Infinity
  return half & 0x8000 ? -magnitude : magnitude
}
