import { Dots } from './dots'
import { Lanes } from './lanes'

/**
 * Vectors in whole numbers of 16 bits, each of the length of `LENGTH` units: their dot products add up below 2^30, and
 * differ from the exact ones by some 2^-16 of the product of the lengths. Twice as many fit a register as of f32, and one
 * instruction multiplies and adds.
 */
export abstract class Integers {
  static readonly LENGTH: f32 = 32000

  /** The largest component of a row less the centre, in every lane. */
  static most(row: usize, centre: usize, bytes: usize): v128 {
    let most = f32x4.splat(0)
    for (let at: usize = 0; at < bytes; at += 16) {
      most = f32x4.max(most, f32x4.abs(f32x4.sub(v128.load(row + at), v128.load(centre + at))))
    }
    most = f32x4.max(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1))
    return f32x4.max(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2))
  }

  /** Four components of a row less the centre, as whole numbers. */
  @inline static four(row: usize, centre: usize, factor: v128): v128 {
    const value = f32x4.mul(f32x4.sub(v128.load(row), v128.load(centre)), factor)
    return i32x4.trunc_sat_f32x4_s(f32x4.nearest(value))
  }
}

/**
 * Rows less a centre as i16 in units of their own, zeros after `width` up to a multiple of eight.
 * @param rows - f32 [count x width], `stride` bytes apart; all addresses and strides are multiples of 16, `width` of 4.
 * @param units - f32 [count]; 0 for a row at the centre, and for one too long or too short for squares of f32.
 */
export function centredIntegers(
  rows: usize,
  stride: usize,
  count: i32,
  width: i32,
  centre: usize,
  out: usize,
  outStride: usize,
  units: usize,
): void {
  assert(((rows | stride | centre | out | outStride) & 15) == 0 && (width & 3) == 0)
  const bytes = (<usize>width) << 2
  for (let i = 0; i < count; i++) {
    const most = f32x4.extract_lane(Integers.most(rows, centre, bytes), 0)
    let unit: f32 = 0
    let factor: f32 = 0
    if (most > 1e-18 && most < 1e16) {
      let sum = f32x4.splat(0)
      for (let at: usize = 0; at < bytes; at += 16) {
        const value = f32x4.sub(v128.load(rows + at), v128.load(centre + at))
        sum = f32x4.add(sum, f32x4.mul(value, value))
      }
      const length = Mathf.sqrt(Lanes.sum(sum))
      unit = length / Integers.LENGTH
      factor = Integers.LENGTH / length
    }
    store<f32>(units + ((<usize>i) << 2), unit)
    const factors = f32x4.splat(factor)
    for (let at: usize = 0; at < bytes; at += 32) {
      const low = Integers.four(rows + at, centre + at, factors)
      const high = at + 16 < bytes ? Integers.four(rows + at + 16, centre + at + 16, factors) : i32x4.splat(0)
      v128.store(out + (at >> 1), i16x8.narrow_i32x4_s(low, high))
    }
    rows += stride
    out += outStride
  }
}

/**
 * Some queries by all rows, in whole numbers: the product times the units of both, plus the bias of the row. Each query's
 * results have a place of their own: entry e of a grid of `beam` places a query is for query e / beam.
 *
 *   out   | entry 0 = query 0: f32 [rowCount] | entry 1 | ... | entry beam = query 1 | ...
 *
 * @param units - f32 by query.
 * @param unit - of all rows.
 * @param entries - u32 [entryCount]; what stands at the other places of the grid stays.
 * @param rows - i16, as queries are; products of both stay below 2^31.
 * @param bias - f32 [rowCount].
 * @param scratch - 32 bytes.
 */
export function scaledDots(
  queries: usize,
  units: usize,
  unit: f32,
  entries: usize,
  entryCount: i32,
  beam: i32,
  rows: usize,
  stride: usize,
  rowCount: i32,
  dim: i32,
  bias: usize,
  out: usize,
  scratch: usize,
): void {
  assert(((queries | rows | stride | scratch) & 15) == 0 && dim > 0 && beam > 0)
  const outStride = (<usize>rowCount) << 2
  const block = max(4, (16384 / <i32>stride) & ~3)
  for (let start = 0; start < rowCount; start += block) {
    const stop = min(start + block, rowCount)
    const last = rows + <usize>(stop - 1) * stride
    for (let e = 0; e < entryCount; e += 2) {
      // A single entry at the end is paired with itself.
      const first = load<u32>(entries + ((<usize>e) << 2))
      const second = load<u32>(entries + ((<usize>min(e + 1, entryCount - 1)) << 2))
      const x = first / beam
      const y = second / beam
      const queryX = queries + <usize>x * stride
      const queryY = queries + <usize>y * stride
      const unitX = f32x4.splat(load<f32>(units + ((<usize>x) << 2)) * unit)
      const unitY = f32x4.splat(load<f32>(units + ((<usize>y) << 2)) * unit)
      const outX = out + <usize>first * outStride
      const outY = out + <usize>second * outStride
      for (let i = start; i < stop; i += 4) {
        const a = rows + <usize>i * stride
        const b = min(last, a + stride)
        const c = min(last, b + stride)
        const d = min(last, c + stride)
        Dots.tile<i16>(queryX, queryY, a, b, c, d, dim, 0, false, 4, scratch, scratch + 16)
        const at = (<usize>i) << 2
        const own = Lanes.load(bias + at, stop - i)
        Lanes.store(outX + at, f32x4.add(f32x4.mul(v128.load(scratch), unitX), own), stop - i)
        Lanes.store(outY + at, f32x4.add(f32x4.mul(v128.load(scratch, 16), unitY), own), stop - i)
      }
    }
  }
}
