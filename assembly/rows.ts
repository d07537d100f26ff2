import { Lanes, RowCode } from './lanes'
import { Steps } from './steps'

/** Passes over stored rows that need no query. */
abstract class Rows {
  /**
   *   rows  | dim of type T .. pad | ...   `stride` bytes each
   *   out   | dim of f32 .. zeros  | ...   `outStride` bytes each, a multiple of 16
   */
  static widen<T>(rows: usize, stride: usize, count: i32, dim: i32, out: usize, outStride: usize): void {
    const components = <usize>((dim + 3) & ~3)
    for (let i = 0; i < count; i++) {
      for (let j: usize = 0; j < components; j += 4) {
        v128.store(out + (j << 2), Lanes.widen<T>(rows + j * sizeof<T>()))
      }
      memory.fill(out + (components << 2), 0, outStride - (components << 2))
      rows += stride
      out += outStride
    }
  }

  static widenSteps(rows: usize, stride: usize, count: i32, dim: i32, out: usize, outStride: usize): void {
    const components = (dim + 3) & ~3
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < components; j += 4) v128.store(out + ((<usize>j) << 2), Steps.widen(rows, j))
      memory.fill(out + ((<usize>components) << 2), 0, outStride - ((<usize>components) << 2))
      rows += stride
      out += outStride
    }
  }

  static stepNorms(rows: usize, stride: usize, count: i32, dim: i32, out: usize): void {
    for (let i = 0; i < count; i++) {
      let sum = f32x4.splat(0)
      for (let j = 0; j < dim; j += 4) {
        const four = Steps.widen(rows, j)
        sum = f32x4.add(sum, f32x4.mul(four, four))
      }
      store<f32>(out + ((<usize>i) << 2), Lanes.sum(sum))
      rows += stride
    }
  }

  static squaredNorms<T>(rows: usize, stride: usize, count: i32, dim: i32, out: usize): void {
    const bytes = <usize>((dim + 3) & ~3) * sizeof<T>()
    for (let i = 0; i < count; i++) {
      let sum = f32x4.splat(0)
      for (let at: usize = 0; at < bytes; at += sizeof<T>() << 2) {
        const four = Lanes.widen<T>(rows + at)
        sum = f32x4.add(sum, f32x4.mul(four, four))
      }
      store<f32>(out + ((<usize>i) << 2), Lanes.sum(sum))
      rows += stride
    }
  }
}

/** Rows of any type as f32, with zeros after `dim` up to `outStride` bytes (a multiple of 16, at least `dim` floats). */
export function widen(type: i32, rows: usize, stride: usize, count: i32, dim: i32, out: usize, outStride: usize): void {
  assert(((rows | stride | out | outStride) & 15) == 0)
  if (type == RowCode.F32) Rows.widen<f32>(rows, stride, count, dim, out, outStride)
  else if (type == RowCode.F16) Rows.widen<u16>(rows, stride, count, dim, out, outStride)
  else if (type == RowCode.U8) Rows.widen<u8>(rows, stride, count, dim, out, outStride)
  else if (type == RowCode.I10) Rows.widenSteps(rows, stride, count, dim, out, outStride)
  else Rows.widen<i8>(rows, stride, count, dim, out, outStride)
}

/** Rows f32 [dim] as steps, to zeroed rows of `outStride` bytes; what a step of each counts: units f32 [count], 0 for a row of zeros. */
export function packSteps(
  rows: usize,
  stride: usize,
  count: i32,
  dim: i32,
  out: usize,
  outStride: usize,
  units: usize,
): void {
  for (let i = 0; i < count; i++) {
    store<f32>(units + ((<usize>i) << 2), Steps.pack(rows, dim, out))
    rows += stride
    out += outStride
  }
}

/** Squared length of each row: out f32 [count]. */
export function squaredNorms(type: i32, rows: usize, stride: usize, count: i32, dim: i32, out: usize): void {
  if (type == RowCode.F32) Rows.squaredNorms<f32>(rows, stride, count, dim, out)
  else if (type == RowCode.F16) Rows.squaredNorms<u16>(rows, stride, count, dim, out)
  else if (type == RowCode.U8) Rows.squaredNorms<u8>(rows, stride, count, dim, out)
  else if (type == RowCode.I10) Rows.stepNorms(rows, stride, count, dim, out)
  else Rows.squaredNorms<i8>(rows, stride, count, dim, out)
}

/** sums f64 [width] += weight * row, of each of some rows: f32 of `width` floats, a multiple of four, at multiples of 16. */
export function addRows(rows: usize, stride: usize, count: i32, width: i32, weight: f64, sums: usize): void {
  assert(((rows | stride | sums) & 15) == 0 && (width & 3) == 0)
  const weights = f64x2.splat(weight)
  const bytes = (<usize>width) << 2
  for (let i = 0; i < count; i++) {
    for (let at: usize = 0; at < bytes; at += 16) {
      const four = v128.load(rows + at)
      const low = f64x2.mul(f64x2.promote_low_f32x4(four), weights)
      const high = f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<i32>(four, four, 2, 3, 2, 3)), weights)
      const to = sums + (at << 1)
      v128.store(to, f64x2.add(v128.load(to), low))
      v128.store(to, f64x2.add(v128.load(to, 16), high), 16)
    }
    rows += stride
  }
}

/** 1 where no component is infinite or NaN (u8 and i8 never are); `bytes` is a multiple of 16, padding included. */
export function allFinite(type: i32, rows: usize, bytes: usize): i32 {
  assert((bytes & 15) == 0)
  if (type > RowCode.F16) return 1
  const exponent = type == RowCode.F32 ? i32x4.splat(0x7f800000) : i16x8.splat(0x7c00)
  for (const end = rows + bytes; rows < end; rows += 16) {
    const bits = v128.and(v128.load(rows), exponent)
    const full = type == RowCode.F32 ? i32x4.eq(bits, exponent) : i16x8.eq(bits, exponent)
    if (v128.any_true(full)) return 0
  }
  return 1
}
