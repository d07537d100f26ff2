import { Dots } from './dots'
import { Lanes } from './lanes'
import { Radix } from './sort'
import { Sums } from './sums'

/** A sample of scores is every eighth vector of four; it is taken of at least so many scores. */
const SAMPLE: i32 = 8
const SAMPLE_BYTES: usize = (<usize>SAMPLE) << 4
const SAMPLED: i32 = 512

/** Selection of the best scores, as signed integers in the order of the floats. */
abstract class Select {
  /** The key of -Infinity, which all scores reach, and one above that of Infinity, which none does. */
  static readonly LEAST: i32 = 0x807fffff
  static readonly BEYOND: i32 = 0x7f800001

  /** The most that are looked at again: half as many again as wanted, so that few turns of the bisection are needed. */
  @inline static limit(count: i32, width: i32): i32 {
    return min(count, width + (width >> 1) + 64)
  }

  /** Bytes of some keys, up to a multiple of 16. */
  @inline static bytes(count: i32): usize {
    return ((<usize>count + 15) & ~15) << 2
  }

  /** Four scores with NaN as -Infinity and -0 as 0. */
  @inline static clean(scores: v128): v128 {
    return f32x4.add(f32x4.pmax(f32x4.splat(-Infinity), scores), f32x4.splat(0))
  }

  /** Integers ordered as the scores: the bits, with all but the sign turned round for negative ones. */
  @inline static keys(scores: v128): v128 {
    const bits = Select.clean(scores)
    return v128.xor(bits, v128.and(i32x4.shr_s(bits, 31), i32x4.splat(0x7fffffff)))
  }

  /** Write the keys of all scores, filled up to a multiple of 16 with keys below every score. */
  static writeKeys(scores: usize, count: i32, keys: usize): void {
    const whole = count & ~3
    const end = keys + Select.bytes(count)
    for (let i = 0; i < whole; i += 4) {
      v128.store(keys, Select.keys(v128.load(scores + ((<usize>i) << 2))))
      keys += 16
    }
    for (let at = keys; at < end; at += 16) v128.store(at, i32x4.splat(i32.MIN_VALUE))
    const rest = count - whole
    if (!rest) return
    const four = Select.keys(Lanes.load(scores + ((<usize>whole) << 2), rest))
    v128.store(keys, v128.bitselect(four, i32x4.splat(i32.MIN_VALUE), Lanes.first(rest)))
  }

  /** How many keys of the vectors of four that stand `step` bytes apart are at least `bound`. */
  static count(keys: usize, end: usize, step: usize, bound: i32): i32 {
    const bounds = i32x4.splat(bound)
    let sum = i32x4.splat(0)
    for (; keys < end; keys += step) sum = i32x4.sub(sum, i32x4.ge_s(v128.load(keys), bounds))
    const halves = i32x4.add(sum, v128.shuffle<i32>(sum, sum, 2, 3, 2, 3))
    return i32x4.extract_lane(halves, 0) + i32x4.extract_lane(halves, 1)
  }

  @inline static middle(low: i32, high: i32): i32 {
    return low + <i32>((<u32>(high - low)) >> 1)
  }

  /**
   * A bound that at least `wanted` keys reach, and `limit` at the most or else no more keys than must: by bisection between
   * `low`, which `reached` keys reach, and `high`, which fewer than `wanted` do. `first` is tried first.
   */
  static bound(
    keys: usize,
    end: usize,
    step: usize,
    low: i32,
    high: i32,
    first: i32,
    reached: i32,
    wanted: i32,
    limit: i32,
  ): i32 {
    let middle = first
    while (reached > limit && low + 1 != high) {
      const now = Select.count(keys, end, step, middle)
      if (now >= wanted) {
        low = middle
        reached = now
      } else high = middle
      middle = Select.middle(low, high)
    }
    return low
  }

  /** Which of four keys are at least a bound, all bits of a lane each. */
  @inline static reach(keys: usize, bounds: v128): v128 {
    return i32x4.ge_s(v128.load(keys), bounds)
  }

  /** Which of 16 keys are at least a bound, a bit each. */
  @inline static mask(keys: usize, bounds: v128): u64 {
    const low = i16x8.narrow_i32x4_s(Select.reach(keys, bounds), Select.reach(keys + 16, bounds))
    const high = i16x8.narrow_i32x4_s(Select.reach(keys + 32, bounds), Select.reach(keys + 48, bounds))
    return <u64>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high))
  }

  /**
   * Keep key and index of every key above `bound`, and of the first `ties` equal to it.
   * @returns how many; where there are more than `limit`, one more than that.
   */
  static collect(keys: usize, end: usize, bound: i32, ties: i32, limit: i32, outKeys: usize, outIndices: usize): i32 {
    const bounds = i32x4.splat(bound)
    let kept = 0
    for (let at = keys; at < end; at += 256) {
      let lanes: u64 = 0
      const stop = min(end, at + 256)
      for (let next = at, shift: u64 = 0; next < stop; next += 64, shift += 16)
        lanes |= Select.mask(next, bounds) << shift
      for (; lanes; lanes &= lanes - 1) {
        const place = at + ((<usize>ctz(lanes)) << 2)
        const key = load<i32>(place)
        if (key == bound && --ties < 0) continue
        if (kept == limit) return limit + 1
        store<i32>(outKeys + ((<usize>kept) << 2), key)
        store<u32>(outIndices + ((<usize>kept) << 2), <u32>((place - keys) >> 2))
        kept++
      }
    }
    return kept
  }
}

/** Bytes of scratch that `selectBest` needs. */
export function selectBytes(count: i32, width: i32): usize {
  return Select.bytes(count) + 2 * Select.bytes(Select.limit(count, width))
}

/**
 * The best `width` of `count` scores, larger is better, ties by lower index, in ascending order of index: outIndices u32,
 * outScores f32. NaN counts as -Infinity. Returns how many there are, min(width, count).
 *
 * A sample says which bound few more than `width` scores reach; these are kept in one pass over all scores, and the best are
 * found among the few by bisection: no sort. Where the sample misled, all scores are asked for a bound.
 *
 *   scratch   | keys i32 [count] | kept keys i32 [limit] | kept indices u32 [limit] |     each up to a multiple of 16
 *
 * @param scratch - `selectBytes(count, width)` bytes at a multiple of 16.
 */
export function selectBest(
  scores: usize,
  count: i32,
  width: i32,
  scratch: usize,
  outIndices: usize,
  outScores: usize,
): i32 {
  const wanted = min(count, width)
  if (wanted <= 0) return 0
  const limit = Select.limit(count, width)
  const end = scratch + Select.bytes(count)
  const indices = end + Select.bytes(limit)
  Select.writeKeys(scores, count, scratch)
  const low = Select.LEAST
  const high = Select.BEYOND
  let near = high
  let kept = 0
  if (count >= SAMPLED) {
    const some = ((wanted + limit) >> 1) / SAMPLE
    near = Select.bound(scratch, end, SAMPLE_BYTES, low, high, Select.middle(low, high), count, some, some)
    kept = Select.collect(scratch, end, near, limit, limit, end, indices)
  }
  if (kept < wanted || kept > limit) {
    near = Select.bound(scratch, end, 16, low, high, Select.middle(low, high), count, wanted, limit)
    const ties = limit - Select.count(scratch, end, 16, near + 1)
    kept = Select.collect(scratch, end, near, ties, limit, end, indices)
  }
  const keptEnd = end + Select.bytes(kept)
  for (let at = end + ((<usize>kept) << 2); at < keptEnd; at += 4) store<i32>(at, i32.MIN_VALUE)
  const bound = Select.bound(end, keptEnd, 16, near, high, Select.middle(near, high), kept, wanted, wanted)
  let ties = wanted - Select.count(end, keptEnd, 16, bound + 1)
  let found: usize = 0
  // Written whether it is to stay or not: which are is nothing that a processor can guess.
  for (let i: usize = 0; found < <usize>wanted; i++) {
    const key = load<i32>(end + (i << 2))
    const index = load<u32>(indices + (i << 2))
    const score = load<f32>(scores + ((<usize>index) << 2))
    store<u32>(outIndices + (found << 2), index)
    store<f32>(outScores + (found << 2), score == score ? score : -Infinity)
    const tied = i32(key == bound)
    found += <usize>(i32(key > bound) | (tied & i32(ties > 0)))
    ties -= tied
  }
  return wanted
}

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
 * The same with whole numbers: score = products * (unit * scale of the child) + bias.
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
      const scaled = f32x4.mul(sums, f32x4.mul(units, Lanes.load(scales + at, left)))
      Lanes.store(out, f32x4.add(scaled, Lanes.load(bias + at, left)), left)
      row += rowStride << 2
      at += 16
      out += (<usize>min(left, 4)) << 2
    }
  }
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
    let largest = f32x4.splat(-Infinity)
    for (let j = 0; j < arity; j += 4) {
      const four = Lanes.part(logits + ((<usize>j) << 2), arity - j)
      largest = f32x4.pmax(largest, v128.bitselect(four, f32x4.splat(-Infinity), Lanes.first(arity - j)))
    }
    const pairs = f32x4.pmax(largest, v128.shuffle<f32>(largest, largest, 2, 3, 0, 1))
    const peak = f32x4.pmax(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2))
    let sum = f32x4.splat(0)
    for (let j = 0; j < arity; j += 4) {
      const four = Lanes.exp(f32x4.sub(Lanes.part(logits + ((<usize>j) << 2), arity - j), peak))
      sum = f32x4.add(sum, v128.and(four, Lanes.first(arity - j)))
    }
    const logSum = <f32>Math.log(Lanes.sum(sum))
    const parent = f32x4.splat(load<f32>(parentScores + ((<usize>row) << 2)) - logSum)
    for (let j = 0; j < arity; j += 4) {
      const four = f32x4.sub(Lanes.part(logits + ((<usize>j) << 2), arity - j), peak)
      Lanes.putPart(out + ((<usize>j) << 2), f32x4.add(four, parent), arity - j)
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

/** Bytes of scratch that `sortBest` needs. */
export function sortBytes(count: i32): usize {
  return Radix.bytes(count) + Select.bytes(count)
}

/**
 * Put nodes u32 [count] into the order of their scores f32 [count], best first, ties as they came. NaN counts as -Infinity.
 *
 *   scratch   | radix sort of `count` pairs | keys i32 [count], up to a multiple of 16 |
 *
 * @param scratch - `sortBytes(count)` bytes at a multiple of 16.
 */
export function sortBest(nodes: usize, scores: usize, count: i32, scratch: usize): void {
  const pairs = Radix.pairs(scratch)
  const keys = scratch + Radix.bytes(count)
  Select.writeKeys(scores, count, keys)
  for (let i: usize = 0; i < <usize>count; i++) {
    store<u32>(pairs + (i << 3), 0x7fffffff - load<i32>(keys + (i << 2)))
    store<u32>(pairs + (i << 3), load<u32>(nodes + (i << 2)), 4)
  }
  const sorted = Radix.sort(scratch, count)
  for (let i: usize = 0; i < <usize>count; i++) store<u32>(nodes + (i << 2), load<u32>(sorted + (i << 3), 4))
}

/** How many of scores f32 [count] are above `bound`: the rank of a score, from 0. NaN is above nothing. */
export function countAbove(scores: usize, count: i32, bound: f32): i32 {
  const end = scores + ((<usize>count) << 2)
  const four = f32x4.splat(bound)
  let sums = i32x4.splat(0)
  for (; scores + 16 <= end; scores += 16) sums = i32x4.sub(sums, f32x4.gt(v128.load(scores), four))
  let above =
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3)
  for (; scores < end; scores += 4) if (load<f32>(scores) > bound) above++
  return above
}
