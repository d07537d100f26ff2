import { Lanes } from './lanes'

/** Choices among candidate leaves, each worth its score less the leaf's price. */
abstract class Offer {
  /**
   * The best place of a list of leaves, the first of equals; -1 for an empty list. Prices lie scattered: no SIMD.
   */
  @inline static bestListed(leaves: usize, scores: usize, prices: usize, m: i32): i32 {
    let choice = -1
    let best: f32 = -Infinity
    for (let j = 0; j < m; j++) {
      const leaf = load<u32>(leaves + ((<usize>j) << 2))
      if (leaf == 0xffffffff) break
      const value = load<f32>(scores + ((<usize>j) << 2)) - load<f32>(prices + ((<usize>leaf) << 2))
      if (value > best || choice < 0) {
        best = value
        choice = j
      }
    }
    return choice
  }

  /** The best of leaves 0 to m - 1, the first of equals. */
  @inline static bestDense(scores: usize, prices: usize, m: i32): i32 {
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

  /** The best value of a list without the place `choice`; -Infinity where nothing else is listed. */
  @inline static otherListed(leaves: usize, scores: usize, prices: usize, m: i32, choice: i32): f32 {
    let best: f32 = -Infinity
    for (let j = 0; j < m; j++) {
      const leaf = load<u32>(leaves + ((<usize>j) << 2))
      if (leaf == 0xffffffff) break
      const value = load<f32>(scores + ((<usize>j) << 2)) - load<f32>(prices + ((<usize>leaf) << 2))
      if (value > best && j != choice) best = value
    }
    return best
  }

  /** The best value of leaves 0 to m - 1 without `choice`. */
  @inline static otherDense(scores: usize, prices: usize, m: i32, choice: i32): f32 {
    const chosen = i32x4.splat(choice)
    let best = f32x4.splat(-Infinity)
    let place = i32x4(0, 1, 2, 3)
    for (let j = 0; j < m; j += 4) {
      const values = Offer.values(scores, prices, j, m)
      best = f32x4.pmax(best, v128.bitselect(f32x4.splat(-Infinity), values, i32x4.eq(place, chosen)))
      place = i32x4.add(place, i32x4.splat(4))
    }
    const pairs = f32x4.pmax(best, v128.shuffle<f32>(best, best, 2, 3, 0, 1))
    return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1))
  }

  /** Values of leaves j to j + 3; -Infinity from leaf m on. */
  @inline private static values(scores: usize, prices: usize, j: i32, m: i32): v128 {
    const at = (<usize>j) << 2
    const values = f32x4.sub(Lanes.load(scores + at, m - j), Lanes.load(prices + at, m - j))
    return v128.bitselect(values, f32x4.splat(-Infinity), Lanes.first(m - j))
  }
}

/**
 * Each point chooses the leaf of the best score less price, the first of equals, and is counted there.
 *
 *   leaves, scores   | point 0: m candidates | point 1: m candidates | ...   leaf 0xffffffff ends a list early
 *
 * @param leaves - u32 [count x m], or 0 where every point may choose among leaves 0 to m - 1.
 * @param prices - f32 by leaf.
 * @param choice - out u32 [count]: the place in the point's list; 0xffffffff for an empty list.
 * @param loads - u32 by leaf, raised by one for each point that chose it.
 */
export function chooseByPrice(
  leaves: usize,
  scores: usize,
  prices: usize,
  count: i32,
  m: i32,
  choice: usize,
  loads: usize,
): void {
  const bytes = (<usize>m) << 2
  for (let i = 0; i < count; i++) {
    const place = leaves ? Offer.bestListed(leaves, scores, prices, m) : Offer.bestDense(scores, prices, m)
    store<u32>(choice + ((<usize>i) << 2), place)
    if (place >= 0) {
      const leaf = leaves ? load<u32>(leaves + ((<usize>place) << 2)) : <u32>place
      const load_ = loads + ((<usize>leaf) << 2)
      store<u32>(load_, load<u32>(load_) + 1)
    }
    scores += bytes
    if (leaves) leaves += bytes
  }
}

/**
 * What each point would lose without its choice: the value of the choice less that of the best other candidate, f32
 * [count]; +Infinity where there is no other.
 */
export function regrets(
  leaves: usize,
  scores: usize,
  prices: usize,
  count: i32,
  m: i32,
  choice: usize,
  out: usize,
): void {
  const bytes = (<usize>m) << 2
  for (let i = 0; i < count; i++) {
    const place = load<i32>(choice + ((<usize>i) << 2))
    let regret: f32 = Infinity
    if (place >= 0) {
      const at = (<usize>place) << 2
      const leaf = leaves ? load<u32>(leaves + at) : <u32>place
      const value = load<f32>(scores + at) - load<f32>(prices + ((<usize>leaf) << 2))
      const other = leaves
        ? Offer.otherListed(leaves, scores, prices, m, place)
        : Offer.otherDense(scores, prices, m, place)
      regret = value - other
    }
    store<f32>(out + ((<usize>i) << 2), regret)
    scores += bytes
    if (leaves) leaves += bytes
  }
}
