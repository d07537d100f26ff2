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
   * Two queries by four rows, eight accumulators:
   *
   *            a     b     c     d
   *   x     | x.a | x.b | x.c | x.d |  -> outX
   *   y     | y.a | y.b | y.c | y.d |  -> outY
   */
  static tile(
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
    let xa = f32x4.splat(0)
    let xb = f32x4.splat(0)
    let xc = f32x4.splat(0)
    let xd = f32x4.splat(0)
    let ya = f32x4.splat(0)
    let yb = f32x4.splat(0)
    let yc = f32x4.splat(0)
    let yd = f32x4.splat(0)
    const end = x + (((<usize>dim + 3) & ~3) << 2)
    for (; x < end; x += 16) {
      const qx = v128.load(x)
      const qy = v128.load(y)
      const rowA = v128.load(a)
      xa = f32x4.add(xa, f32x4.mul(qx, rowA))
      ya = f32x4.add(ya, f32x4.mul(qy, rowA))
      const rowB = v128.load(b)
      xb = f32x4.add(xb, f32x4.mul(qx, rowB))
      yb = f32x4.add(yb, f32x4.mul(qy, rowB))
      const rowC = v128.load(c)
      xc = f32x4.add(xc, f32x4.mul(qx, rowC))
      yc = f32x4.add(yc, f32x4.mul(qy, rowC))
      const rowD = v128.load(d)
      xd = f32x4.add(xd, f32x4.mul(qx, rowD))
      yd = f32x4.add(yd, f32x4.mul(qy, rowD))
      y += 16
      a += 16
      b += 16
      c += 16
      d += 16
    }
    Dots.finish(Lanes.sums<f32>(xa, xb, xc, xd), bias, relu, count, outX)
    Dots.finish(Lanes.sums<f32>(ya, yb, yc, yd), bias, relu, count, outY)
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
        Dots.tile(query, query + queryStride, a, b, c, d, dim, biasAt, relu != 0, stop - i, outX, outX + outStride)
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
