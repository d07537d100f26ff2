import { Lanes } from './lanes'
import { Radix } from './sort'

/** A sample of scores is every eighth vector of four; it is taken of at least so many scores. */
const SAMPLE: i32 = 8
const SAMPLE_BYTES: usize = (<usize>SAMPLE) << 4
const SAMPLED: i32 = 512

/** The sum of four lanes. */
function total(lanes: v128): i32 {
  const halves = i32x4.add(lanes, v128.shuffle<i32>(lanes, lanes, 2, 3, 2, 3))
  return i32x4.extract_lane(halves, 0) + i32x4.extract_lane(halves, 1)
}

/** The largest of values f32 [count]. */
export function largest(values: usize, count: i32): f32 {
  let peak: f32 = -Infinity
  for (const end = values + ((<usize>count) << 2); values < end; values += 4) peak = max(peak, load<f32>(values))
  return peak
}

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
    return total(sum)
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

/** How many of scores f32 [count, up to a multiple of four] lie less than `bound` below `best`. */
function countGaps(scores: usize, count: i32, best: f32, bound: f32): i32 {
  const bests = f32x4.splat(best)
  const bounds = f32x4.splat(bound)
  let sum = i32x4.splat(0)
  for (const end = scores + ((<usize>count) << 2); scores < end; scores += 16) {
    sum = i32x4.sub(sum, f32x4.lt(f32x4.sub(bests, v128.load(scores)), bounds))
  }
  return total(sum)
}

/**
 * Keep the nodes u32 [count] of a rank r, from 0, whose score, f32 [count], is less than reach / sqrt(r) below the best score, and
 * their scores, in place and in their order; nodes of one score have the rank of the first. Returns how many there are.
 *
 * The rank of a node is the number n(g) of gaps smaller than its own, g, so sqrt(n(g)) g rises with g: by bisection, bounds with at
 * most one gap, or equal ones, between them, below which all are near enough and from which on none is.
 *
 * @param scores - with room up to a multiple of four.
 */
export function keepNear(nodes: usize, scores: usize, count: i32, reach: f32): i32 {
  const best = largest(scores, count)
  for (let i = <usize>count; i & 3; i++) store<f32>(scores + (i << 2), -Infinity)
  let low: f32 = 0
  let high = reach
  // Gaps below either bound, at most.
  let within = 0
  let beyond = count
  while (within + 1 < beyond) {
    const middle = (low + high) / 2
    if (middle == low || middle == high) break
    const below = countGaps(scores, count, best, middle)
    if (sqrt<f32>(<f32>below) * middle < reach) {
      low = middle
      within = below
    } else {
      high = middle
      beyond = below
    }
  }
  const rank = sqrt<f32>(<f32>within)
  let kept: usize = 0
  for (let i: usize = 0; i < <usize>count; i++) {
    const score = load<f32>(scores + (i << 2))
    const gap = best - score
    store<u32>(nodes + (kept << 2), load<u32>(nodes + (i << 2)))
    store<f32>(scores + (kept << 2), score)
    kept += <usize>(i32(gap < low) | (i32(gap < high) & i32(rank * gap < reach)))
  }
  return <i32>kept
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
  let above = total(sums)
  for (; scores < end; scores += 4) if (load<f32>(scores) > bound) above++
  return above
}
