import { Lanes } from './lanes'
import { MetricCode, Sums } from './sums'

/**
 * Distances of four rows, smaller is better, by the row's position:
 *
 *   rows    | row 0 .. pad | row 1 .. pad | ...   `stride` bytes each, a multiple of 16, zeros after `dim`
 *   scales  | f32 0 | f32 1 | ...                 by position, read for cosine alone
 *
 * l2: squared L2. ip: minus the inner product. cosine: 1 - dot * scale, where the query is a unit vector already.
 * A sum that overflowed into NaN is +Infinity: a distance is never NaN, nor -0.
 *
 * A call, whose cost is small beside four rows: each copy in place makes the kernels larger.
 */
export abstract class Distance {
  static four(
    metric: i32,
    type: i32,
    queryKind: i32,
    query: usize,
    dim: i32,
    rows: usize,
    stride: usize,
    scales: usize,
    a: u32,
    b: u32,
    c: u32,
    d: u32,
  ): v128 {
    let sums = Sums.four(
      metric,
      type,
      queryKind,
      query,
      dim,
      rows + <usize>a * stride,
      rows + <usize>b * stride,
      rows + <usize>c * stride,
      rows + <usize>d * stride,
    )
    if (metric == MetricCode.IP) sums = f32x4.sub(f32x4.splat(0), sums)
    else if (metric == MetricCode.COSINE) {
      sums = f32x4.sub(f32x4.splat(1), f32x4.mul(sums, Lanes.gather(scales, a, b, c, d)))
    }
    return f32x4.pmin(f32x4.splat(Infinity), sums)
  }
}

/** Distances of `count` consecutive rows: out f32 [count]. */
export function distances(
  metric: i32,
  type: i32,
  queryKind: i32,
  query: usize,
  dim: i32,
  rows: usize,
  stride: usize,
  count: i32,
  scales: usize,
  out: usize,
): void {
  for (let i = 0; i < count; i += 4) {
    const last = count - 1
    const b = min(i + 1, last)
    const c = min(i + 2, last)
    const d = min(i + 3, last)
    const four = Distance.four(metric, type, queryKind, query, dim, rows, stride, scales, i, b, c, d)
    Lanes.store(out + ((<usize>i) << 2), four, count - i)
  }
}

/** Distances of the rows at positions u32 [count]: out f32 [count]. */
export function distancesAt(
  metric: i32,
  type: i32,
  queryKind: i32,
  query: usize,
  dim: i32,
  rows: usize,
  stride: usize,
  positions: usize,
  count: i32,
  scales: usize,
  out: usize,
): void {
  for (let i = 0; i < count; i += 4) {
    const last = count - 1
    const a = load<u32>(positions + ((<usize>i) << 2))
    const b = load<u32>(positions + ((<usize>min(i + 1, last)) << 2))
    const c = load<u32>(positions + ((<usize>min(i + 2, last)) << 2))
    const d = load<u32>(positions + ((<usize>min(i + 3, last)) << 2))
    const four = Distance.four(metric, type, queryKind, query, dim, rows, stride, scales, a, b, c, d)
    Lanes.store(out + ((<usize>i) << 2), four, count - i)
  }
}
