import { Dots } from './dots'
import { Lanes } from './lanes'
import { largest } from './select'
import { Sums } from './sums'

/**
 * Score every child of some nodes: child j of node n is node n * arity + j of the next level.
 *
 *   out   | parent 0: arity scores | parent 1: arity scores | ...     the grid of `selectBest` and `expandChildren`
 *
 * With ascending parents an index of the grid rises with the node number, so `selectBest` breaks ties by lower node.
 * @param bias - f32 by child node, or 0.
 */
export function scoreChildren(
  z: usize,
  dim: i32,
  weights: usize,
  rowStride: usize,
  bias: usize,
  parents: usize,
  parentCount: i32,
  arity: i32,
  out: usize,
): void {
  for (let i = 0; i < parentCount; i++) {
    const first = <usize>load<u32>(parents + ((<usize>i) << 2)) * arity
    const biasAt = bias ? bias + (first << 2) : 0
    Dots.row(z, weights + first * rowStride, rowStride, arity, dim, biasAt, false, out)
    out += (<usize>arity) << 2
  }
}

/**
 * The same with whole numbers: score = products * (unit * scale of the child) + bias. Scores are written, and scales and
 * biases read, four at a time: up to three behind the last are touched.
 * @param z - i16, in steps of `unit`.
 * @param weights - i8 rows, `rowStride` bytes apart, in steps of scales f32 by child node.
 */
export function scoreChildrenInt(
  z: usize,
  unit: f32,
  dim: i32,
  weights: usize,
  rowStride: usize,
  scales: usize,
  bias: usize,
  parents: usize,
  parentCount: i32,
  arity: i32,
  out: usize,
): void {
  const units = f32x4.splat(unit)
  for (let i = 0; i < parentCount; i++) {
    const first = <usize>load<u32>(parents + ((<usize>i) << 2)) * arity
    const last = weights + (first + arity - 1) * rowStride
    let row = weights + first * rowStride
    let at = first << 2
    for (let left = arity; left > 0; left -= 4) {
      const b = min(last, row + rowStride)
      const c = min(last, b + rowStride)
      const sums = Sums.integerProducts<i8>(z, dim, row, b, c, min(last, c + rowStride))
      const scaled = f32x4.mul(sums, f32x4.mul(units, v128.load(scales + at)))
      v128.store(out, f32x4.add(scaled, v128.load(bias + at)))
      row += rowStride << 2
      at += 16
      out += (<usize>min(left, 4)) << 2
    }
  }
}

/** The logarithm of a sum of 1 or more: about that from the bits, then two of Halley's steps, each of which cubes what is missing. */
function logOf(sum: f32): f32 {
  let log = <f32>(reinterpret<i32>(sum) - 0x3f800000) * <f32>8.2629583e-8
  for (let i = 0; i < 2; i++) {
    const rest = sum * f32x4.extract_lane(Lanes.exp(f32x4.splat(-log)), 0)
    log += (2 * (rest - 1)) / (rest + 1)
  }
  return log
}

/**
 * Add the log-softmax of each row's first `arity` logits to the score of its parent: out f32 [count x arity].
 * @param logits - f32 [count x arityStride].
 */
export function addLogSoftmax(
  logits: usize,
  arityStride: i32,
  arity: i32,
  count: i32,
  parentScores: usize,
  out: usize,
): void {
  for (let row = 0; row < count; row++) {
    const peak = largest(logits, arity)
    let sum = f32x4.splat(0)
    for (let j = 0; j < arity; j += 4) {
      const four = Lanes.exp(f32x4.sub(Lanes.part(logits + ((<usize>j) << 2), arity - j), f32x4.splat(peak)))
      sum = f32x4.add(sum, v128.and(four, Lanes.first(arity - j)))
    }
    const parent = load<f32>(parentScores + ((<usize>row) << 2)) - logOf(Lanes.sum(sum))
    for (let j: usize = 0; j < <usize>arity; j++) {
      store<f32>(out + (j << 2), load<f32>(logits + (j << 2)) - peak + parent)
    }
    logits += (<usize>arityStride) << 2
    out += (<usize>arity) << 2
  }
}

/** Node numbers of chosen places u32 [count] in the grid of the parents' children: out u32 [count]. */
export function expandChildren(
  parents: usize,
  parentCount: i32,
  arity: u32,
  chosen: usize,
  count: i32,
  out: usize,
): void {
  for (const end = out + ((<usize>count) << 2); out < end; out += 4) {
    const place = load<u32>(chosen)
    const row = place / arity
    assert(row < <u32>parentCount)
    store<u32>(out, load<u32>(parents + (row << 2)) * arity + (place - row * arity))
    chosen += 4
  }
}
