import { Lanes } from './lanes'
import { Sums } from './sums'

/** Dot products of f32 queries and f32 rows, both padded with zeros to four floats; the bits of `Sums.products`. */
export abstract class Dots {
  /** One query by `count` consecutive rows: out f32 [count]. */
  @inline static row(
    query: usize,
    rows: usize,
    stride: usize,
    count: i32,
    dim: i32,
    bias: usize,
    relu: bool,
    out: usize,
  ): void {
    const last = rows + <usize>(count - 1) * stride
    for (let i = 0; i < count; i += 4) {
      const b = min(last, rows + stride)
      const c = min(last, b + stride)
      const sums = Sums.products<f32>(query, dim, rows, b, c, min(last, c + stride))
      Dots.finish(sums, bias, relu, count - i, out)
      rows += stride << 2
      out += 16
      if (bias) bias += 16
    }
  }

  /**
   * Two queries by four rows, eight accumulators; `T` is f32, or i16 with sums below 2^31:
   *
   *            a     b     c     d
   *   x     | x.a | x.b | x.c | x.d |  -> outX
   *   y     | y.a | y.b | y.c | y.d |  -> outY
   */
  static tile<T>(
    x: usize,
    y: usize,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    dim: i32,
    bias: usize,
    relu: bool,
    count: i32,
    outX: usize,
    outY: usize,
  ): void {
    let xa = i32x4.splat(0)
    let xb = i32x4.splat(0)
    let xc = i32x4.splat(0)
    let xd = i32x4.splat(0)
    let ya = i32x4.splat(0)
    let yb = i32x4.splat(0)
    let yc = i32x4.splat(0)
    let yd = i32x4.splat(0)
    const end = x + ((<usize>dim * sizeof<T>() + 15) & ~15)
    for (; x < end; x += 16) {
      const qx = v128.load(x)
      const qy = v128.load(y)
      const rowA = v128.load(a)
      xa = Dots.mulAdd<T>(xa, qx, rowA)
      ya = Dots.mulAdd<T>(ya, qy, rowA)
      const rowB = v128.load(b)
      xb = Dots.mulAdd<T>(xb, qx, rowB)
      yb = Dots.mulAdd<T>(yb, qy, rowB)
      const rowC = v128.load(c)
      xc = Dots.mulAdd<T>(xc, qx, rowC)
      yc = Dots.mulAdd<T>(yc, qy, rowC)
      const rowD = v128.load(d)
      xd = Dots.mulAdd<T>(xd, qx, rowD)
      yd = Dots.mulAdd<T>(yd, qy, rowD)
      y += 16
      a += 16
      b += 16
      c += 16
      d += 16
    }
    Dots.finish(Dots.sums<T>(xa, xb, xc, xd), bias, relu, count, outX)
    Dots.finish(Dots.sums<T>(ya, yb, yc, yd), bias, relu, count, outY)
  }

  @inline private static mulAdd<T>(sum: v128, query: v128, row: v128): v128 {
    if (isFloat<T>()) return f32x4.add(sum, f32x4.mul(query, row))
    return i32x4.add(sum, i32x4.dot_i16x8_s(query, row))
  }

  @inline private static sums<T>(a: v128, b: v128, c: v128, d: v128): v128 {
    if (isFloat<T>()) return Lanes.sums<f32>(a, b, c, d)
    return f32x4.convert_i32x4_s(Lanes.sums<i32>(a, b, c, d))
  }

  @inline private static finish(sums: v128, bias: usize, relu: bool, count: i32, out: usize): void {
    if (bias) sums = f32x4.add(sums, Lanes.load(bias, count))
    if (relu) sums = f32x4.max(sums, f32x4.splat(0))
    Lanes.store(out, sums, count)
  }
}

/**
 * out = queries . rows + bias, with negative results set to 0 where `relu` is 1: out f32 [queryCount x rowCount].
 * Blocks of rows stay in the first-level cache while all queries pass over them.
 * @param bias - f32 [rowCount], or 0.
 */
export function dots(
  queries: usize,
  queryStride: usize,
  queryCount: i32,
  rows: usize,
  rowStride: usize,
  rowCount: i32,
  dim: i32,
  bias: usize,
  relu: i32,
  out: usize,
): void {
  assert(((queries | queryStride | rows | rowStride) & 15) == 0 && dim > 0)
  const outStride = (<usize>rowCount) << 2
  const block = max(4, (16384 / (((dim + 3) & ~3) << 2)) & ~3)
  for (let start = 0; start < rowCount; start += block) {
    const stop = min(start + block, rowCount)
    let query = queries
    let outRow = out
    for (let pair = queryCount >> 1; pair > 0; pair--) {
      const last = rows + <usize>(stop - 1) * rowStride
      for (let i = start; i < stop; i += 4) {
        const a = rows + <usize>i * rowStride
        const b = min(last, a + rowStride)
        const c = min(last, b + rowStride)
        const d = min(last, c + rowStride)
        const at = (<usize>i) << 2
        const outX = outRow + at
        const biasAt = bias ? bias + at : 0
        Dots.tile<f32>(query, query + queryStride, a, b, c, d, dim, biasAt, relu != 0, stop - i, outX, outX + outStride)
      }
      query += queryStride << 1
      outRow += outStride << 1
    }
    if (queryCount & 1) {
      const at = (<usize>start) << 2
      const biasAt = bias ? bias + at : 0
      const first = rows + <usize>start * rowStride
      Dots.row(query, first, rowStride, stop - start, dim, biasAt, relu != 0, outRow + at)
    }
  }
}

/**
 * Dot products of one query and the rows of ids u32 [count]: out f32 [count].
 * @param bias - f32 by id, or 0.
 */
export function dotsAt(
  query: usize,
  rows: usize,
  rowStride: usize,
  ids: usize,
  count: i32,
  dim: i32,
  bias: usize,
  out: usize,
): void {
  for (let i = 0; i < count; i += 4) {
    const last = count - 1
    const a = load<u32>(ids + ((<usize>i) << 2))
    const b = load<u32>(ids + ((<usize>min(i + 1, last)) << 2))
    const c = load<u32>(ids + ((<usize>min(i + 2, last)) << 2))
    const d = load<u32>(ids + ((<usize>min(i + 3, last)) << 2))
    let sums = Sums.products<f32>(
      query,
      dim,
      rows + <usize>a * rowStride,
      rows + <usize>b * rowStride,
      rows + <usize>c * rowStride,
      rows + <usize>d * rowStride,
    )
    if (bias) sums = f32x4.add(sums, Lanes.gather(bias, a, b, c, d))
    Lanes.store(out + ((<usize>i) << 2), sums, count - i)
  }
}
