import { Lanes } from './lanes'

/**
 * Rows of 10-bit steps, in groups of 64 components:
 *
 *   0                                  64                        80
 *   +----------------------------------+-------------------------+
 *   | high 8 bits of 0 .. 63, signed   | low 2 bits, 16 bytes    |    byte j: those of j, j + 16, j + 32, j + 48
 *   +----------------------------------+-------------------------+    from its lowest bits up
 */
export abstract class Steps {
  /** The largest step. */
  static readonly MOST: i32 = 511

  /** Write a row f32 [dim], rounded half up, to zeroed bytes. @returns what a step counts; 0 for a row of zeros. */
  static pack(row: usize, dim: i32, out: usize): f32 {
    let most: f32 = 0
    for (let i = 0; i < dim; i++) most = max(most, abs(load<f32>(row + ((<usize>i) << 2))))
    const unit = most / <f32>Steps.MOST
    if (unit == 0) return 0
    for (let i = 0; i < dim; i++) {
      const rounded = <i32>floor(<f64>load<f32>(row + ((<usize>i) << 2)) / <f64>unit + 0.5)
      const step = max(-Steps.MOST, min(Steps.MOST, rounded))
      const group = out + <usize>(i >> 6) * 80
      const low = group + 64 + <usize>(i & 15)
      store<u8>(group + <usize>(i & 63), step >> 2)
      store<u8>(low, load<u8>(low) | ((step & 3) << (((i >> 4) & 3) << 1)))
    }
    return unit
  }

  /**
   * 64 times the products of a query, i16 of at most 16,383 with zeros up to a multiple of 16, and one row, by lane. High and
   * low bits side by side are 64 times a step in 16 bits, so four products are less than 2^31, and a lane adds up no more.
   */
  static products(query: usize, dim: i32, row: usize): v128 {
    let sum = f32x4.splat(0)
    let other = sum
    let low = sum
    const top = Lanes.held(i8x16.splat(<i8>0xc0), v128.load(query))
    for (let done = 0; done < dim; done += 16) {
      const sixteen = done & 48
      if (!sixteen) low = v128.load(row, 64)
      const high = v128.load(row + <usize>sixteen)
      // Shifts by as many bits every turn: one by a number that changes takes V8 five instructions more.
      const bits = v128.and(i16x8.shl(low, 6), top)
      low = i16x8.shr_u(low, 2)
      const first = v128.shuffle<i8>(bits, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
      const second = v128.shuffle<i8>(bits, high, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
      const products = i32x4.dot_i16x8_s(v128.load(query), first)
      const four = i32x4.add(products, i32x4.dot_i16x8_s(v128.load(query, 16), second))
      // Two sums in turns, so that no addition waits for the one before.
      const held = other
      other = f32x4.add(sum, f32x4.convert_i32x4_s(four))
      sum = held
      query += 32
      if (sixteen == 48) row += 80
    }
    return f32x4.add(sum, other)
  }

  /** Eight steps from component `at` on, a multiple of 8, as i16. */
  @inline static eight(row: usize, at: i32): v128 {
    const group = row + <usize>(at >> 6) * 80
    const high = v128.load_ext<i8>(group + <usize>(at & 63))
    const low = i16x8.shr_u(v128.load_ext<u8>(group + 64 + <usize>(at & 15)), ((at >> 4) & 3) << 1)
    return v128.or(i16x8.shl(high, 2), v128.and(low, i16x8.splat(3)))
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
