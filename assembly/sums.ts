import { Lanes, RowCode } from './lanes'
import { Steps } from './steps'

/** Metrics by their code: the order of `METRICS` on the host. */
export const enum MetricCode {
  L2 = 0,
  IP = 1,
  COSINE = 2,
}

/** How a query is stored: whole numbers against rows of 10-bit steps have the unit that they count behind them, an f32. */
export const enum QueryCode {
  FLOATS = 0,
  INTEGERS = 1,
}

/**
 * Sums over the components of a query and of four rows: one row to an accumulator and one row to a lane of the result.
 * Every distance and every dot product comes from here, and a remainder of one to three rows fills the four with
 * repeats. So the bits of a result depend on the query and the row alone: not on the export, the neighbours or the tile.
 *
 *   query   q0 q1 q2 q3 | q4 q5 q6 q7 | ...      one f32x4 a step, for all four rows
 *   row a   a0 a1 a2 a3 | a4 a5 a6 a7 | ...  ->  f32x4 sum a  \
 *   row b   b0 b1 b2 b3 | b4 b5 b6 b7 | ...  ->  f32x4 sum b   \   lanes added,
 *   row c                                    ->  f32x4 sum c   /   one f32x4 [a b c d]
 *   row d                                    ->  f32x4 sum d  /
 */
export abstract class Sums {
  /** So many components of 8-bit rows add up in 32 bits, whatever they are. */
  private static readonly EXACT: i32 = 8192

  /** Squared differences: f32 query against rows of type T. */
  static squares<T>(query: usize, dim: i32, a: usize, b: usize, c: usize, d: usize): v128 {
    return Sums.floats<T>(true, query, dim, a, b, c, d)
  }

  /** Products: f32 query against rows of type T. */
  static products<T>(query: usize, dim: i32, a: usize, b: usize, c: usize, d: usize): v128 {
    return Sums.floats<T>(false, query, dim, a, b, c, d)
  }

  /** Squared differences: i16 query against u8 or i8 rows, exact before the one rounding to f32. */
  static integerSquares<T>(query: usize, dim: i32, a: usize, b: usize, c: usize, d: usize): v128 {
    return Sums.integers<T>(true, query, dim, a, b, c, d)
  }

  /** Products: i16 query against u8 or i8 rows, exact before the one rounding to f32. */
  static integerProducts<T>(query: usize, dim: i32, a: usize, b: usize, c: usize, d: usize): v128 {
    return Sums.integers<T>(false, query, dim, a, b, c, d)
  }

  /** Choose the form by the codes of metric, row type and query. */
  @inline static four(
    metric: i32,
    type: i32,
    queryKind: i32,
    query: usize,
    dim: i32,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
  ): v128 {
    if (queryKind == QueryCode.INTEGERS) {
      if (type == RowCode.I10) return Sums.stepProducts(query, dim, a, b, c, d)
      assert(type == RowCode.U8 || type == RowCode.I8)
      if (metric == MetricCode.L2) {
        if (type == RowCode.U8) return Sums.integerSquares<u8>(query, dim, a, b, c, d)
        return Sums.integerSquares<i8>(query, dim, a, b, c, d)
      }
      if (type == RowCode.U8) return Sums.integerProducts<u8>(query, dim, a, b, c, d)
      return Sums.integerProducts<i8>(query, dim, a, b, c, d)
    }
    if (metric == MetricCode.L2) {
      if (type == RowCode.F32) return Sums.squares<f32>(query, dim, a, b, c, d)
      if (type == RowCode.F16) return Sums.squares<u16>(query, dim, a, b, c, d)
      if (type == RowCode.U8) return Sums.squares<u8>(query, dim, a, b, c, d)
      assert(type == RowCode.I8)
      return Sums.squares<i8>(query, dim, a, b, c, d)
    }
    if (type == RowCode.F32) return Sums.products<f32>(query, dim, a, b, c, d)
    if (type == RowCode.F16) return Sums.products<u16>(query, dim, a, b, c, d)
    if (type == RowCode.U8) return Sums.products<u8>(query, dim, a, b, c, d)
    assert(type == RowCode.I8)
    return Sums.products<i8>(query, dim, a, b, c, d)
  }

  /** Products: i16 query with its unit against rows of 10-bit steps, which no metric but cosine has. */
  static stepProducts(query: usize, dim: i32, a: usize, b: usize, c: usize, d: usize): v128 {
    const sums = Lanes.sums<f32>(
      Steps.products(query, dim, a),
      Steps.products(query, dim, b),
      Steps.products(query, dim, c),
      Steps.products(query, dim, d),
    )
    const unit = load<f32>(query + (((<usize>dim + 15) & ~15) << 1))
    return f32x4.mul(sums, f32x4.splat(unit / 64))
  }

  @inline private static floats<T>(
    squares: bool,
    query: usize,
    dim: i32,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
  ): v128 {
    assert((query & 15) == 0 && ((a | b | c | d) & 15) == 0 && dim > 0)
    let sumA = f32x4.splat(0)
    let sumB = f32x4.splat(0)
    let sumC = f32x4.splat(0)
    let sumD = f32x4.splat(0)
    const first = v128.load(query)
    const bits = Lanes.held(Lanes.halfBits(), first)
    const scale = Lanes.held(Lanes.halfScale(), first)
    const end = query + (((<usize>dim + 3) & ~3) << 2)
    for (; query < end; query += 16) {
      const q = v128.load(query)
      sumA = Sums.add(squares, sumA, q, Lanes.widen<T>(a, bits, scale))
      sumB = Sums.add(squares, sumB, q, Lanes.widen<T>(b, bits, scale))
      sumC = Sums.add(squares, sumC, q, Lanes.widen<T>(c, bits, scale))
      sumD = Sums.add(squares, sumD, q, Lanes.widen<T>(d, bits, scale))
      a += sizeof<T>() << 2
      b += sizeof<T>() << 2
      c += sizeof<T>() << 2
      d += sizeof<T>() << 2
    }
    return Lanes.sums<f32>(sumA, sumB, sumC, sumD)
  }

  @inline private static add(squares: bool, sum: v128, query: v128, row: v128): v128 {
    if (!squares) return f32x4.add(sum, f32x4.mul(query, row))
    const difference = f32x4.sub(query, row)
    return f32x4.add(sum, f32x4.mul(difference, difference))
  }

  /**
   * Query components are integers of -255 to 255, so that a difference is at most 510 and 8,192 squares add to less
   * than 2^31; longer rows go on in f64, exact to 2^53.
   */
  @inline private static integers<T>(
    squares: bool,
    query: usize,
    dim: i32,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
  ): v128 {
    // Rows may start at any byte, as those in the records of leaves do.
    assert((query & 15) == 0 && dim > 0)
    let totalAB = f64x2.splat(0)
    let totalCD = f64x2.splat(0)
    const end = query + (((<usize>dim + 7) & ~7) << 1)
    while (query < end) {
      let sumA = i32x4.splat(0)
      let sumB = i32x4.splat(0)
      let sumC = i32x4.splat(0)
      let sumD = i32x4.splat(0)
      const stop = min(end, query + (Sums.EXACT << 1))
      for (; query < stop; query += 16) {
        const q = v128.load(query)
        sumA = Sums.addIntegers(squares, sumA, q, v128.load_ext<T>(a))
        sumB = Sums.addIntegers(squares, sumB, q, v128.load_ext<T>(b))
        sumC = Sums.addIntegers(squares, sumC, q, v128.load_ext<T>(c))
        sumD = Sums.addIntegers(squares, sumD, q, v128.load_ext<T>(d))
        a += 8
        b += 8
        c += 8
        d += 8
      }
      const sums = Lanes.sums<i32>(sumA, sumB, sumC, sumD)
      if (dim <= Sums.EXACT) return f32x4.convert_i32x4_s(sums)
      totalAB = f64x2.add(totalAB, f64x2.convert_low_i32x4_s(sums))
      totalCD = f64x2.add(totalCD, f64x2.convert_low_i32x4_s(v128.shuffle<i32>(sums, sums, 2, 3, 2, 3)))
    }
    return v128.shuffle<f32>(f32x4.demote_f64x2_zero(totalAB), f32x4.demote_f64x2_zero(totalCD), 0, 1, 4, 5)
  }

  @inline private static addIntegers(squares: bool, sum: v128, query: v128, row: v128): v128 {
    if (!squares) return i32x4.add(sum, i32x4.dot_i16x8_s(query, row))
    const difference = i16x8.sub(query, row)
    return i32x4.add(sum, i32x4.dot_i16x8_s(difference, difference))
  }
}
