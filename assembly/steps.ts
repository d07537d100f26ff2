/**
 * Rows of 10-bit steps, in groups of 64 components:
 *
 *   0                                  64                        80
 *   +----------------------------------+-------------------------+
 *   | high 8 bits of 0 .. 63, signed   | low 2 bits, 16 bytes    |    byte j: those of j, j + 16, j + 32, j + 48
 *   +----------------------------------+-------------------------+    from its lowest bits up
 */
export abstract class Steps {
  /** Steps j to j + 7 of 16 as i16, from the bytes with their low bits moved to the bottom. */
  @inline static low(high: v128, bits: v128): v128 {
    return v128.or(i16x8.shl(i16x8.extend_low_i8x16_s(high), 2), i16x8.extend_low_i8x16_u(bits))
  }

  /** Steps j + 8 to j + 15. */
  @inline static high(high: v128, bits: v128): v128 {
    return v128.or(i16x8.shl(i16x8.extend_high_i8x16_s(high), 2), i16x8.extend_high_i8x16_u(bits))
  }

  /** The lowest two bits of each byte, `sixteen` sixteens into a group. */
  @inline static bits(group: usize, sixteen: i32): v128 {
    return v128.and(i8x16.shr_u(v128.load(group, 64), sixteen << 1), i8x16.splat(3))
  }

  /** Products of a query, zeros up to a multiple of 16, and one row, by lane. */
  static products(query: usize, dim: i32, row: usize): v128 {
    let even = f32x4.splat(0)
    let odd = f32x4.splat(0)
    for (let done = 0; done < dim; done += 16) {
      const sixteen = (done >> 4) & 3
      const high = v128.load(row + ((<usize>sixteen) << 4))
      const bits = Steps.bits(row, sixteen)
      const low = Steps.low(high, bits)
      const top = Steps.high(high, bits)
      even = f32x4.add(even, f32x4.mul(v128.load(query), f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(low))))
      odd = f32x4.add(odd, f32x4.mul(v128.load(query, 16), f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(low))))
      even = f32x4.add(even, f32x4.mul(v128.load(query, 32), f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(top))))
      odd = f32x4.add(odd, f32x4.mul(v128.load(query, 48), f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(top))))
      query += 64
      if (sixteen == 3) row += 80
    }
    return f32x4.add(even, odd)
  }

  /** Four steps from component `at` on, a multiple of 4, as f32. */
  @inline static widen(row: usize, at: i32): v128 {
    const group = row + <usize>(at >> 6) * 80
    const shift = ((at >> 4) & 3) << 1
    const high = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load_zero<u32>(group + <usize>(at & 63))))
    const byte = v128.load_zero<u32>(group + 64 + <usize>(at & 15))
    const low = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(byte))
    return f32x4.convert_i32x4_s(v128.or(i32x4.shl(high, 2), v128.and(i32x4.shr_u(low, shift), i32x4.splat(3))))
  }
}
