/** Row types by their code: the order of `ROW_TYPES` in src/base/matrix.ts. In generics f16 goes by the type of its bits, u16. */
export const enum RowCode {
  F32 = 0,
  F16 = 1,
  U8 = 2,
  I8 = 3,
  I10 = 4,
}

/** What every kernel shares: loads that widen, partial loads and stores, sums across lanes. */
export abstract class Lanes {
  /** What of a shifted f16 is its sign, exponent and fraction. */
  @inline static halfBits(): v128 {
    return i32x4.splat(0x8fffe000)
  }

  /** 2^112 as f32: the difference of the biases of f32 and f16. */
  @inline static halfScale(): v128 {
    return i32x4.splat(0x77800000)
  }

  /**
   * Four components of a row as f32x4, exactly. An f16 is shifted to where an f32 keeps its exponent and fraction, then
   * multiplied by 2^112, the difference of the biases: right for subnormals too. Infinity and NaN come out finite:
   * the host refuses them (`allFinite`).
   */
  @inline static widen<T>(address: usize, bits: v128 = Lanes.halfBits(), scale: v128 = Lanes.halfScale()): v128 {
    if (sizeof<T>() == 4) return v128.load(address)
    if (sizeof<T>() == 2) return f32x4.mul(v128.and(i32x4.shl(v128.load_ext<i16>(address), 13), bits), scale)
    const bytes = v128.load_zero<u32>(address)
    if (isSigned<T>()) return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(bytes)))
    return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes)))
  }

  /**
   * A constant for the turns of a loop. V8 makes a constant anew wherever it is used, in three instructions; this one it
   * takes for something that depends on `any`, and keeps it.
   */
  @inline static held(constant: v128, any: v128): v128 {
    return v128.or(constant, v128.andnot(any, any))
  }

  /** Entries of a table of 16 bytes, by places of 0 to 15: for these the relaxed form has the same bits, and one step less on x86. */
  @inline static lookup(table: v128, places: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(table, places)
    return i8x16.swizzle(table, places)
  }

  /** Sums of the lanes of four vectors, one to a lane, each added as (0 + 2) + (1 + 3). */
  @inline static sums<T>(a: v128, b: v128, c: v128, d: v128): v128 {
    const ab = v128.add<T>(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7))
    const cd = v128.add<T>(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7))
    return v128.add<T>(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7))
  }

  /** The sum of the lanes of one vector, in the order of `sums`. */
  @inline static sum(a: v128): f32 {
    const halves = f32x4.add(a, v128.shuffle<f32>(a, a, 2, 3, 2, 3))
    return f32x4.extract_lane(halves, 0) + f32x4.extract_lane(halves, 1)
  }

  /** The first `count` floats at an address, at most four; zeros in the other lanes. Reads no others. */
  @inline static load(address: usize, count: i32): v128 {
    if (count >= 4) return v128.load(address)
    let value = v128.load_zero<f32>(address)
    if (count > 1) value = v128.load_lane<f32>(address, value, 1, 4)
    if (count > 2) value = v128.load_lane<f32>(address, value, 2, 8)
    return value
  }

  /** Store the first `count` lanes, at most four. */
  @inline static store(address: usize, value: v128, count: i32): void {
    if (count >= 4) return v128.store(address, value)
    v128.store_lane<f32>(address, value, 0)
    if (count > 1) v128.store_lane<f32>(address, value, 1, 4)
    if (count > 2) v128.store_lane<f32>(address, value, 2, 8)
  }

  /** `load` as a call: for kernels whose size matters more than their speed. */
  static part(address: usize, count: i32): v128 {
    return Lanes.load(address, count)
  }

  /** `store` as a call, likewise. */
  static putPart(address: usize, value: v128, count: i32): void {
    Lanes.store(address, value, count)
  }

  /** Four floats of a table, by their indices. */
  @inline static gather(table: usize, a: u32, b: u32, c: u32, d: u32): v128 {
    return Lanes.floats(
      table + ((<usize>a) << 2),
      table + ((<usize>b) << 2),
      table + ((<usize>c) << 2),
      table + ((<usize>d) << 2),
    )
  }

  /** Floats at four addresses. */
  @inline static floats(a: usize, b: usize, c: usize, d: usize): v128 {
    let value = v128.load_zero<f32>(a)
    value = v128.load_lane<f32>(b, value, 1)
    value = v128.load_lane<f32>(c, value, 2)
    return v128.load_lane<f32>(d, value, 3)
  }

  /** All bits set in the first `count` lanes. */
  @inline static first(count: i32): v128 {
    return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count))
  }

  /**
   * e^x in each lane, for x <= 0, to 2 units in the last place; x below -87 counts as -87.
   * @see Cephes `expf` (Stephen Moshier): the same reduction and polynomial.
   */
  static exp(x: v128): v128 {
    x = f32x4.max(x, f32x4.splat(-87))
    const power = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504)))
    let rest = f32x4.sub(x, f32x4.mul(power, f32x4.splat(0.693359375)))
    rest = f32x4.add(rest, f32x4.mul(power, f32x4.splat(2.1219444e-4)))
    let sum = f32x4.splat(1.98756915e-4)
    sum = f32x4.add(f32x4.mul(sum, rest), f32x4.splat(1.3981999507e-3))
    sum = f32x4.add(f32x4.mul(sum, rest), f32x4.splat(8.3334519073e-3))
    sum = f32x4.add(f32x4.mul(sum, rest), f32x4.splat(4.1665795894e-2))
    sum = f32x4.add(f32x4.mul(sum, rest), f32x4.splat(1.6666665459e-1))
    sum = f32x4.add(f32x4.mul(sum, rest), f32x4.splat(5.0000001201e-1))
    sum = f32x4.add(f32x4.add(f32x4.mul(sum, f32x4.mul(rest, rest)), rest), f32x4.splat(1))
    const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(power), i32x4.splat(127)), 23)
    return f32x4.mul(sum, scale)
  }
}
