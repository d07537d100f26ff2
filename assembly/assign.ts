import { Lanes } from './lanes'

/** Choices among candidate leaves, each worth its score less the leaf's price. */
abstract class Offer {
  /** The best leaf of a list, the first of equals; 0xffffffff for an empty list. Prices lie scattered: no SIMD. */
  @inline static bestListed(leaves: usize, scores: usize, prices: usize, m: i32): u32 {
    let choice: u32 = 0xffffffff
    let best: f32 = -Infinity
    for (const end = leaves + ((<usize>m) << 2); leaves < end; leaves += 4) {
      const leaf = load<u32>(leaves)
      if (leaf == 0xffffffff) break
      const value = load<f32>(scores) - load<f32>(prices + ((<usize>leaf) << 2))
      if (value > best || choice == 0xffffffff) {
        best = value
        choice = leaf
      }
      scores += 4
    }
    return choice
  }

  /** The best of leaves 0 to m - 1, the first of equals. */
  @inline static bestDense(scores: usize, prices: usize, m: i32): u32 {
    let best = f32x4.splat(-Infinity)
    let places = i32x4.splat(0)
    let place = i32x4(0, 1, 2, 3)
    for (let j = 0; j < m; j += 4) {
      const values = Offer.values(scores, prices, j, m)
      const better = f32x4.gt(values, best)
      best = v128.bitselect(values, best, better)
      places = v128.bitselect(place, places, better)
      place = i32x4.add(place, i32x4.splat(4))
    }
    const pairs = f32x4.pmax(best, v128.shuffle<f32>(best, best, 2, 3, 0, 1))
    const most = f32x4.pmax(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2))
    const tied = v128.bitselect(places, i32x4.splat(0x7fffffff), f32x4.eq(best, most))
    const halves = i32x4.min_s(tied, v128.shuffle<i32>(tied, tied, 2, 3, 2, 3))
    return min(i32x4.extract_lane(halves, 0), i32x4.extract_lane(halves, 1))
  }

  /** The value of a listed leaf less that of the best other one; Infinity where one of the two is missing. */
  @inline static marginListed(leaves: usize, scores: usize, prices: usize, m: i32, leaf: u32): f32 {
    let own: f32 = Infinity
    let other: f32 = -Infinity
    for (const end = leaves + ((<usize>m) << 2); leaves < end; leaves += 4) {
      const next = load<u32>(leaves)
      if (next == 0xffffffff) break
      const value = load<f32>(scores) - load<f32>(prices + ((<usize>next) << 2))
      if (next == leaf) own = value
      else if (value > other) other = value
      scores += 4
    }
    return own - other
  }

  /** The same among leaves 0 to m - 1. */
  @inline static marginDense(scores: usize, prices: usize, m: i32, leaf: u32): f32 {
    const chosen = i32x4.splat(leaf)
    let best = f32x4.splat(-Infinity)
    let place = i32x4(0, 1, 2, 3)
    for (let j = 0; j < m; j += 4) {
      const values = Offer.values(scores, prices, j, m)
      best = f32x4.pmax(best, v128.bitselect(f32x4.splat(-Infinity), values, i32x4.eq(place, chosen)))
      place = i32x4.add(place, i32x4.splat(4))
    }
    const pairs = f32x4.pmax(best, v128.shuffle<f32>(best, best, 2, 3, 0, 1))
    const at = (<usize>leaf) << 2
    const own = load<f32>(scores + at) - load<f32>(prices + at)
    return own - max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1))
  }

  /** Values of leaves j to j + 3; -Infinity from leaf m on. */
  @inline private static values(scores: usize, prices: usize, j: i32, m: i32): v128 {
    const at = (<usize>j) << 2
    const values = f32x4.sub(Lanes.load(scores + at, m - j), Lanes.load(prices + at, m - j))
    return v128.bitselect(values, f32x4.splat(-Infinity), Lanes.first(m - j))
  }
}

/**
 * Each of some points takes the leaf of the best score less price, the first of equals.
 *
 *   leaves, scores   | point 0: m candidates | point 1: m candidates | ...   leaf 0xffffffff ends a list early
 *
 * @param points - u32 [count] numbers of the points, or 0 for points 0 to count - 1.
 * @param leaves - u32 by point, m each, or 0 where every point may choose among leaves 0 to m - 1.
 * @param scores - f32 by point, m each.
 * @param prices - f32 by leaf.
 * @param leafOf - out u32 by point: the leaf; 0xffffffff for an empty list.
 */
export function chooseLeaves(
  points: usize,
  count: i32,
  leaves: usize,
  scores: usize,
  prices: usize,
  m: i32,
  leafOf: usize,
): void {
  for (let i = 0; i < count; i++) {
    const point = points ? <usize>load<u32>(points + ((<usize>i) << 2)) : <usize>i
    const at = (point * m) << 2
    const leaf = leaves
      ? Offer.bestListed(leaves + at, scores + at, prices, m)
      : Offer.bestDense(scores + at, prices, m)
    store<u32>(leafOf + (point << 2), leaf)
  }
}

/**
 * What each of some points would lose without its leaf: the leaf's value less that of the best other candidate, out f32
 * [count]; Infinity where there is no other, or no leaf.
 * @param points - as `chooseLeaves` takes them, like all else.
 */
export function margins(
  points: usize,
  count: i32,
  leaves: usize,
  scores: usize,
  prices: usize,
  m: i32,
  leafOf: usize,
  out: usize,
): void {
  for (let i = 0; i < count; i++) {
    const point = points ? <usize>load<u32>(points + ((<usize>i) << 2)) : <usize>i
    const at = (point * m) << 2
    const leaf = load<u32>(leafOf + (point << 2))
    const margin = leaves
      ? Offer.marginListed(leaves + at, scores + at, prices, m, leaf)
      : Offer.marginDense(scores + at, prices, m, leaf)
    store<f32>(out + ((<usize>i) << 2), margin)
  }
}
