import { Leaf } from './leaves'
import { Radix } from './sort'
import { Heap } from './topk'

/** A sample of scores is every eighth vector of eight; it is taken of at least so many scores. */
const SAMPLE: i32 = 8
const SAMPLED: i32 = 2048

/** Threshold selection among i16 scores. */
abstract class Scores {
  /** How many scores of the vectors of eight that stand `step` bytes apart are at most `bound`. */
  static count(scores: usize, end: usize, step: usize, bound: i32): i32 {
    const bounds = i16x8.splat(<i16>bound)
    let total = 0
    while (scores < end) {
      // A lane counts to at most 2^14 before it is added up.
      const stop = min(end, scores + (step << 14))
      let sum = i16x8.splat(0)
      for (; scores < stop; scores += step) sum = i16x8.sub(sum, i16x8.le_s(v128.load(scores), bounds))
      const pairs = i32x4.extadd_pairwise_i16x8_s(sum)
      const halves = i32x4.add(pairs, v128.shuffle<i32>(pairs, pairs, 2, 3, 2, 3))
      total += i32x4.extract_lane(halves, 0) + i32x4.extract_lane(halves, 1)
    }
    return total
  }

  /** The least of the vectors of eight that stand `step` bytes apart. */
  static least(scores: usize, end: usize, step: usize): i32 {
    let least = i16x8.splat(i16.MAX_VALUE)
    for (; scores < end; scores += step) least = i16x8.min_s(least, v128.load(scores))
    least = i16x8.min_s(least, v128.shuffle<i32>(least, least, 2, 3, 0, 1))
    least = i16x8.min_s(least, v128.shuffle<i32>(least, least, 1, 0, 3, 2))
    return min<i32>(i16x8.extract_lane_s(least, 0), i16x8.extract_lane_s(least, 1))
  }

  /**
   * A bound that at least `wanted` scores reach, and `limit` at the most or else no more than must, of vectors of eight that
   * stand `step` bytes apart: in growing steps from the least of them, then by bisection.
   * @param high - a bound that `reached` of them reach.
   */
  static bound(scores: usize, end: usize, step: usize, high: i32, reached: i32, wanted: i32, limit: i32): i32 {
    let low = Scores.least(scores, end, step) - 1
    for (let width = 64; reached > limit && low + 1 < high;) {
      const middle = min((low + high) >> 1, low + width)
      const now = Scores.count(scores, end, step, middle)
      if (now >= wanted) {
        high = middle
        reached = now
      } else {
        low = middle
        width <<= 1
      }
    }
    return high
  }

  /** Which of 16 scores are at most a bound, a bit each. */
  @inline static mask(scores: usize, bounds: v128): u64 {
    const low = i16x8.le_s(v128.load(scores), bounds)
    return <u64>i8x16.bitmask(i8x16.narrow_i16x8_s(low, i16x8.le_s(v128.load(scores, 16), bounds)))
  }

  /** How many scores are below a bound. */
  @inline static below(scores: usize, end: usize, bound: i32): i32 {
    return bound > i16.MIN_VALUE ? Scores.count(scores, end, 16, bound - 1) : 0
  }

  /**
   * Keep place and score of every score below `bound`, and of the first `ties` equal to it.
   * @returns how many; where there are more than `limit`, one more than that.
   */
  static collect(
    scores: usize,
    end: usize,
    bound: i32,
    ties: i32,
    limit: i32,
    outScores: usize,
    outPlaces: usize,
  ): i32 {
    const bounds = i16x8.splat(<i16>bound)
    let kept = 0
    for (let at = scores; at < end; at += 128) {
      let lanes: u64 = 0
      const stop = min(end, at + 128)
      for (let next = at, shift: u64 = 0; next < stop; next += 32, shift += 16)
        lanes |= Scores.mask(next, bounds) << shift
      for (; lanes; lanes &= lanes - 1) {
        const place = at + ((<usize>ctz(lanes)) << 1)
        const score = load<i16>(place)
        if (score == bound && --ties < 0) continue
        if (kept == limit) return limit + 1
        store<i16>(outScores + ((<usize>kept) << 1), score)
        store<u32>(outPlaces + ((<usize>kept) << 2), <u32>((place - scores) >> 1))
        kept++
      }
    }
    return kept
  }
}

/**
 * The places of the `wanted` least scores, ascending; of scores equal to the last, the first places. Those that are more than
 * `reach` above the `near`-th are left out.
 *
 * A sample says which bound somewhat more than `wanted` will be found below; these are kept in one pass over all scores, and
 * which of the few are the least is found among them. Where the sample misled, all scores are asked for a bound.
 * @param scores - i16 [count], `count` a multiple of 16.
 * @param reach - 0 for no such bound, nor is there one where all scores are wanted.
 * @param limit - how many may be kept in that pass, at least `wanted`; with three times as many all scores are hardly ever asked.
 * @param scratch - i16 [limit + 8].
 * @param out - u32 [limit].
 * @returns how many: at most min(wanted, count), none for a `wanted` below 0.
 */
export function selectScores(
  scores: usize,
  count: i32,
  wanted: i32,
  near: i32,
  reach: i32,
  limit: i32,
  scratch: usize,
  out: usize,
): i32 {
  if (wanted >= count) {
    for (let i: usize = 0; i < <usize>count; i++) store<u32>(out + (i << 2), <u32>i)
    return count
  }
  if (wanted <= 0) return 0
  const end = scores + ((<usize>count) << 1)
  const most: i32 = i16.MAX_VALUE
  let bound = most
  let kept = 0
  if (count >= SAMPLED) {
    // Two standard deviations above what the sample holds of those wanted on average.
    const share = wanted / SAMPLE + 1
    const some = share + 2 * <i32>sqrt(<f32>share)
    bound = Scores.bound(scores, end, (<usize>SAMPLE) << 4, most, count, some, some + (some >> 3))
    kept = Scores.collect(scores, end, bound, limit, limit, scratch, out)
  }
  if (kept < wanted || kept > limit) {
    bound = Scores.bound(scores, end, 16, most, count, wanted, limit)
    kept = Scores.collect(scores, end, bound, limit - Scores.below(scores, end, bound), limit, scratch, out)
  }
  const keptEnd = scratch + ((<usize>kept) << 1)
  v128.store(keptEnd, i16x8.splat(i16.MAX_VALUE))
  let last = Scores.bound(scratch, keptEnd, 16, bound, kept, wanted, wanted)
  if (reach > 0) {
    // With no room between `wanted` and `limit` the bound is the score itself.
    const far = Scores.bound(scratch, keptEnd, 16, last, wanted, near, near - 1) + reach
    if (far < last) {
      last = far
      wanted = Scores.count(scratch, keptEnd, 16, last)
    }
  }
  let ties = wanted - Scores.below(scratch, keptEnd, last)
  let found: usize = 0
  // Written whether it is to stay or not: which are is nothing that a processor can guess.
  for (let i: usize = 0; found < <usize>wanted; i++) {
    const score = <i32>load<i16>(scratch + (i << 1))
    store<u32>(out + (found << 2), load<u32>(out + (i << 2)))
    const tied = i32(score == last)
    found += <usize>(i32(score < last) | (tied & i32(ties > 0)))
    ties -= tied
  }
  return wanted
}

/** How many of scores i16 [count], a multiple of 8, are at most `bound`. */
export function countScores(scores: usize, count: i32, bound: i32): i32 {
  return Scores.count(scores, scores + ((<usize>count) << 1), 16, bound)
}

/** Entries of leaves that were scanned. */
abstract class Places {
  /** Pairs (position, place) of the entries at places u32 [count], ascending; places of no entry are left out. */
  static pairs(
    places: usize,
    count: i32,
    leaves: usize,
    dim: i32,
    records: usize,
    leafOffsets: usize,
    entryBytes: usize,
    out: usize,
  ): i32 {
    const head = Leaf.head(dim)
    let begin: u32 = 0
    let end: u32 = 0
    let size: u32 = 0
    let entries: usize = 0
    let kept = 0
    for (let i: usize = 0; i < <usize>count; i++) {
      const place = load<u32>(places + (i << 2))
      while (place >= end) {
        const leaf = load<u32>(leaves)
        leaves += 4
        size = Leaf.size(leafOffsets, leaf)
        begin = end
        end += (size + 15) & ~15
        entries = Leaf.positions(Leaf.record(records, leafOffsets, leaf, head, entryBytes), size, head, entryBytes)
      }
      const entry = place - begin
      if (entry >= size) continue
      const pair = out + ((<usize>kept) << 3)
      store<u32>(pair, load<u32>(entries + ((<usize>entry) << 2)))
      store<u32>(pair, place, 4)
      kept++
    }
    return kept
  }
}

/**
 * Positions of the entries at some places of `scanCodes`' output, ascending, each once; places of no entry are left out.
 * @param places - u32 [count], ascending; overwritten with the positions.
 * @param leaves - the leaves that were scanned, u32.
 * @param scratch - `positionBytes(count)` bytes at a multiple of 16.
 * @returns how many positions there are.
 */
export function placePositions(
  places: usize,
  count: i32,
  leaves: usize,
  dim: i32,
  records: usize,
  leafOffsets: usize,
  entryBytes: usize,
  scratch: usize,
): i32 {
  const kept = Places.pairs(places, count, leaves, dim, records, leafOffsets, entryBytes, Radix.pairs(scratch))
  const sorted = Radix.sort(scratch, kept)
  let distinct: usize = 0
  let before: u32 = 0xffffffff
  for (let i: usize = 0; i < <usize>kept; i++) {
    const position = load<u32>(sorted + (i << 3))
    if (position == before) continue
    store<u32>(places + (distinct << 2), position)
    before = position
    distinct++
  }
  return <i32>distinct
}

/**
 * Rows of the entries at some places of `scanCodes`' output, with their distances by code: shift + step * score.
 * @param places - u32 [count], ascending.
 * @param leaves - the leaves that were scanned, u32.
 * @param scores - i16 by place.
 * @param before - rows that earlier calls put there.
 * @param scratch - `positionBytes(before + count)` bytes at a multiple of 16, which `offerRows` reads.
 * @returns how many rows are there now.
 */
export function placeScores(
  places: usize,
  count: i32,
  leaves: usize,
  dim: i32,
  records: usize,
  leafOffsets: usize,
  entryBytes: usize,
  scores: usize,
  step: f32,
  shift: f32,
  before: i32,
  scratch: usize,
): i32 {
  const pairs = Radix.pairs(scratch) + ((<usize>before) << 3)
  const kept = Places.pairs(places, count, leaves, dim, records, leafOffsets, entryBytes, pairs)
  const end = pairs + ((<usize>kept) << 3)
  for (let pair = pairs; pair < end; pair += 8) {
    const score = <f32>load<i16>(scores + ((<usize>load<u32>(pair, 4)) << 1))
    store<f32>(pair, shift + step * score, 4)
  }
  return before + kept
}

/**
 * Offer the rows that `placeScores` found to a heap, each once with the least of its distances.
 * @param order - u32 ids by position.
 */
export function offerRows(scratch: usize, count: i32, order: usize, heap: usize): void {
  const sorted = Radix.sort(scratch, count)
  const end = sorted + ((<usize>count) << 3)
  for (let pair = sorted; pair < end;) {
    const position = load<u32>(pair)
    let least = load<f32>(pair, 4)
    for (pair += 8; pair < end && load<u32>(pair) == position; pair += 8) least = min(least, load<f32>(pair, 4))
    // NaN, which only a file of mad numbers makes, counts as +Infinity.
    Heap.offer(heap, least == least ? least : Infinity, load<u32>(order + ((<usize>position) << 2)))
  }
}

/** Bytes of scratch that `placePositions` needs. */
export function positionBytes(count: i32): usize {
  return Radix.bytes(count)
}
