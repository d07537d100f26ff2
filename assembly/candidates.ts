import { Leaf } from './leaves'
import { Radix } from './sort'
import { Heap } from './topk'

/** Threshold selection among i16 scores. */
abstract class Scores {
  /** How many scores of every `step`-th vector of eight are at most `bound`. */
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

  /** The least bound that `wanted` scores of a sample reach. */
  static guess(scores: usize, end: usize, step: usize, wanted: i32): i32 {
    let low = -32768
    let high = 32767
    while (low < high) {
      const middle = (low + high) >> 1
      if (Scores.count(scores, end, step, middle) >= wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** Vectors of eight scores in a sample: every eighth. */
const SAMPLE: i32 = 8

/**
 * The places of the least scores, ascending: at least `wanted`, at most an eighth and four more. Of scores equal to the
 * last, the first places are taken.
 * @param scores - i16 [count], `count` a multiple of 8.
 * @param out - u32, room for min(count, wanted + wanted / 8 + 4).
 * @returns how many.
 */
export function selectScores(scores: usize, count: i32, wanted: i32, out: usize): i32 {
  if (wanted >= count) {
    for (let i: usize = 0; i < <usize>count; i++) store<u32>(out + (i << 2), <u32>i)
    return count
  }
  if (wanted <= 0) return 0
  const limit = wanted + (wanted >> 3) + 4
  const end = scores + ((<usize>count) << 1)
  let low = -32769 // none reach it
  let high = 32767 // all do
  let above = 0
  let reached = count
  let width = 32
  let bound = 0
  if (count >= SAMPLE << 7) bound = Scores.guess(scores, end, (<usize>SAMPLE) << 4, max(1, wanted / SAMPLE + 1))
  while (reached > limit && low + 1 < high) {
    bound = min(max(bound, low + 1), high - 1)
    const now = Scores.count(scores, end, 16, bound)
    if (now >= wanted) {
      high = bound
      reached = now
      bound = low == -32769 ? bound - width : (low + bound) >> 1
    } else {
      low = bound
      above = now
      bound = high == 32767 ? bound + width : (bound + high) >> 1
    }
    width <<= 1
  }
  let ties = reached > limit ? wanted - above : count
  const bounds = i16x8.splat(<i16>high)
  let places = out
  for (let at = scores; at < end; at += 16) {
    let lanes = i16x8.bitmask(i16x8.le_s(v128.load(at), bounds))
    for (; lanes; lanes &= lanes - 1) {
      const place = ((at - scores) >> 1) + <usize>ctz(lanes)
      if (load<i16>(scores + (place << 1)) == high && --ties < 0) continue
      store<u32>(places, <u32>place)
      places += 4
    }
  }
  return <i32>((places - out) >> 2)
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
