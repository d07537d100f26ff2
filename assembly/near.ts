import { Dots } from './dots'
import { Lanes, RowCode } from './lanes'
import { Steps } from './steps'
import { Heap } from './topk'

/** Forms that `nearTiles` multiplies in: f32, or whole numbers of at most 10 bits as i16. */
const enum TileCode {
  FLOATS = 0,
  INTEGERS = 1,
}

abstract class Near {
  /**
   * Pairs of queries by blocks of rows that stay in the first-level cache; distances go straight into the heaps.
   *
   *   heaps   | heap of query 0 | heap of query 1 | ...   `heapStride` bytes each
   */
  static tiles<T>(
    queries: usize,
    queryStride: usize,
    places: usize,
    queryCount: i32,
    rows: usize,
    rowStride: usize,
    rowCount: i32,
    dim: i32,
    bias: usize,
    scales: usize,
    positions: usize,
    heaps: usize,
    heapStride: usize,
    scratch: usize,
  ): void {
    const block = max(4, (16384 / <i32>rowStride) & ~3)
    for (let start = 0; start < rowCount; start += block) {
      const stop = min(start + block, rowCount)
      const last = rows + <usize>(stop - 1) * rowStride
      for (let q = 0; q < queryCount; q += 2) {
        const x = Near.place(places, q)
        const y = Near.place(places, min(q + 1, queryCount - 1))
        const queryX = queries + x * queryStride
        const queryY = queries + y * queryStride
        const heapX = heaps + x * heapStride
        const heapY = q + 1 < queryCount ? heaps + y * heapStride : 0
        for (let i = start; i < stop; i += 4) {
          const a = rows + <usize>i * rowStride
          const b = min(last, a + rowStride)
          const c = min(last, b + rowStride)
          const d = min(last, c + rowStride)
          Dots.tile<T>(queryX, queryY, a, b, c, d, dim, 0, false, 4, scratch, scratch + 16)
          const at = (<usize>i) << 2
          const own = Lanes.load(bias + at, stop - i)
          const lanes = stop - i < 4 ? (1 << (stop - i)) - 1 : 15
          let productsX = v128.load(scratch)
          let productsY = v128.load(scratch, 16)
          if (scales) {
            const four = Lanes.load(scales + at, stop - i)
            productsX = f32x4.mul(productsX, four)
            productsY = f32x4.mul(productsY, four)
          }
          Near.offer(heapX, f32x4.sub(own, productsX), lanes, positions + at)
          if (heapY) Near.offer(heapY, f32x4.sub(own, productsY), lanes, positions + at)
        }
      }
    }
  }

  @inline private static place(places: usize, q: i32): usize {
    return places ? <usize>load<u32>(places + ((<usize>q) << 2)) : <usize>q
  }

  @inline private static offer(heap: usize, distances: v128, lanes: i32, positions: usize): void {
    const near = i32x4.bitmask(f32x4.le(distances, f32x4.splat(Heap.threshold(heap)))) & lanes
    if (near) Near.some(heap, distances, near, positions)
  }

  private static some(heap: usize, distances: v128, lanes: i32, positions: usize): void {
    if (lanes & 1) Heap.offer(heap, f32x4.extract_lane(distances, 0), load<u32>(positions))
    if (lanes & 2) Heap.offer(heap, f32x4.extract_lane(distances, 1), load<u32>(positions, 4))
    if (lanes & 4) Heap.offer(heap, f32x4.extract_lane(distances, 2), load<u32>(positions, 8))
    if (lanes & 8) Heap.offer(heap, f32x4.extract_lane(distances, 3), load<u32>(positions, 12))
  }

  /** Rows of steps as i16, zeros from `dim` up to a multiple of eight. */
  static widenSteps(rows: usize, stride: usize, count: i32, dim: i32, out: usize, outStride: usize): void {
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < dim; j += 8) v128.store(out + ((<usize>j) << 1), Steps.eight(rows, j))
      rows += stride
      out += outStride
    }
  }

  /** Rows of 8 bits as i16, zeros from `dim` up to a multiple of eight. */
  static widen<T>(rows: usize, stride: usize, count: i32, dim: i32, out: usize, outStride: usize): void {
    const components = <usize>((dim + 7) & ~7)
    for (let i = 0; i < count; i++) {
      for (let j: usize = 0; j < components; j += 8) v128.store(out + (j << 1), v128.load_ext<T>(rows + j))
      rows += stride
      out += outStride
    }
  }

  /** The scores of a list that are at least `bound`. */
  static count(scores: usize, m: i32, bound: f32): i32 {
    const bounds = f32x4.splat(bound)
    let sum = i32x4.splat(0)
    for (let j = 0; j < m; j += 4) {
      const reached = f32x4.ge(Lanes.load(scores + ((<usize>j) << 2), m - j), bounds)
      sum = i32x4.sub(sum, v128.and(reached, Lanes.first(m - j)))
    }
    const halves = i32x4.add(sum, v128.shuffle<i32>(sum, sum, 2, 3, 2, 3))
    return i32x4.extract_lane(halves, 0) + i32x4.extract_lane(halves, 1)
  }

  /** The least and the most of a list's scores, in the first two lanes. */
  static range(scores: usize, m: i32): v128 {
    let low = f32x4.splat(Infinity)
    let high = f32x4.splat(-Infinity)
    for (let j = 0; j < m; j += 4) {
      const four = Lanes.load(scores + ((<usize>j) << 2), m - j)
      const listed = Lanes.first(m - j)
      low = f32x4.pmin(low, v128.bitselect(four, f32x4.splat(Infinity), listed))
      high = f32x4.pmax(high, v128.bitselect(four, f32x4.splat(-Infinity), listed))
    }
    low = f32x4.pmin(low, v128.shuffle<f32>(low, low, 2, 3, 0, 1))
    high = f32x4.pmax(high, v128.shuffle<f32>(high, high, 2, 3, 0, 1))
    low = f32x4.pmin(low, v128.shuffle<f32>(low, low, 1, 0, 3, 2))
    high = f32x4.pmax(high, v128.shuffle<f32>(high, high, 1, 0, 3, 2))
    return v128.shuffle<f32>(low, high, 0, 4, 0, 4)
  }

  /** Keep the scores from `low` on and below `high`, at most until `room` are kept; returns how many are kept in all. */
  static collect(
    scores: usize,
    m: i32,
    ids: usize,
    low: f32,
    high: f32,
    kept: i32,
    room: i32,
    outIds: usize,
    outScores: usize,
  ): i32 {
    const lows = f32x4.splat(low)
    const highs = f32x4.splat(high)
    for (let j = 0; j < m; j += 4) {
      const four = Lanes.load(scores + ((<usize>j) << 2), m - j)
      const within = v128.and(v128.and(f32x4.ge(four, lows), v128.not(f32x4.ge(four, highs))), Lanes.first(m - j))
      for (let lanes = i32x4.bitmask(within); lanes; lanes &= lanes - 1) {
        if (kept >= room) return kept
        const at = (<usize>(j + ctz(lanes))) << 2
        const to = (<usize>kept) << 2
        store<u32>(outIds + to, ids ? load<u32>(ids + at) : <u32>(at >> 2))
        store<f32>(outScores + to, load<f32>(scores + at))
        kept++
      }
    }
    return kept
  }
}

/**
 * Offer rows to the heaps of some queries, by the distance bias - query . row * scale: with half its squared length as a
 * row's bias the order is that of L2, with zeros that of the inner product, with scales that of the cosine. A tie goes to the
 * lower position.
 * @param form - 0: queries and rows are f32; 1: i16 whose products add up below 2^31.
 * @param places - u32 [queryCount] places of the queries and their heaps, or 0 for 0 to queryCount - 1.
 * @param bias - f32 [rowCount].
 * @param scales - f32 [rowCount], or 0.
 * @param positions - u32 [rowCount], what the heaps take as ids.
 * @param scratch - 32 bytes.
 */
export function nearTiles(
  form: i32,
  queries: usize,
  queryStride: usize,
  places: usize,
  queryCount: i32,
  rows: usize,
  rowStride: usize,
  rowCount: i32,
  dim: i32,
  bias: usize,
  scales: usize,
  positions: usize,
  heaps: usize,
  heapStride: usize,
  scratch: usize,
): void {
  assert(((queries | queryStride | rows | rowStride | scratch) & 15) == 0 && dim > 0)
  if (form == TileCode.INTEGERS) {
    assert(dim <= 16384)
    Near.tiles<i16>(
      queries,
      queryStride,
      places,
      queryCount,
      rows,
      rowStride,
      rowCount,
      dim,
      bias,
      scales,
      positions,
      heaps,
      heapStride,
      scratch,
    )
  } else {
    Near.tiles<f32>(
      queries,
      queryStride,
      places,
      queryCount,
      rows,
      rowStride,
      rowCount,
      dim,
      bias,
      scales,
      positions,
      heaps,
      heapStride,
      scratch,
    )
  }
}

/** Rows of u8, i8 or steps as i16, with zeros after `dim` up to a multiple of eight; `outStride` in bytes, a multiple of 16. */
export function widenIntegers(
  type: i32,
  rows: usize,
  stride: usize,
  count: i32,
  dim: i32,
  out: usize,
  outStride: usize,
): void {
  assert(((rows | stride | out | outStride) & 15) == 0 && type >= RowCode.U8)
  if (type == RowCode.I10) Near.widenSteps(rows, stride, count, dim, out, outStride)
  else if (type == RowCode.U8) Near.widen<u8>(rows, stride, count, dim, out, outStride)
  else Near.widen<i8>(rows, stride, count, dim, out, outStride)
}

/** Take a vector from rows: f32 of `width` floats, a multiple of four, all at multiples of 16. */
export function shiftRows(rows: usize, stride: usize, count: i32, width: i32, shift: usize): void {
  assert(((rows | stride | shift) & 15) == 0 && (width & 3) == 0)
  const bytes = (<usize>width) << 2
  for (let i = 0; i < count; i++) {
    for (let at: usize = 0; at < bytes; at += 16) {
      v128.store(rows + at, f32x4.sub(v128.load(rows + at), v128.load(shift + at)))
    }
    rows += stride
  }
}

/** Multiply rows, f32 of `width` floats, a multiple of four, at multiples of 16, by a factor each: f32 [count]. */
export function scaleRows(rows: usize, stride: usize, count: i32, width: i32, factors: usize): void {
  assert(((rows | stride) & 15) == 0 && (width & 3) == 0)
  const bytes = (<usize>width) << 2
  for (let i = 0; i < count; i++) {
    const factor = v128.load_splat<f32>(factors + ((<usize>i) << 2))
    for (let at: usize = 0; at < bytes; at += 16) v128.store(rows + at, f32x4.mul(v128.load(rows + at), factor))
    rows += stride
  }
}

/**
 * Shorten lists: of each list's m scores the best stay, at least `least` and at most `most` of them, in no order. Where m
 * is no more than `most` all stay. Bisects for a bound that the right number reaches: no sort.
 *
 *   scores            | list 0: m | list 1: m | ...
 *   outIds, outScores | list 0: `most` | ...          ended by the id 0xffffffff and the score -Infinity
 *
 * @param ids - u32 [m] ids of the places of every list, or 0 where the place is the id.
 */
export function shortenLists(
  scores: usize,
  count: i32,
  m: i32,
  ids: usize,
  least: i32,
  most: i32,
  outIds: usize,
  outScores: usize,
): void {
  assert(0 < least && least <= most)
  for (let i = 0; i < count; i++) {
    let low: f32 = -Infinity
    let high: f32 = Infinity
    if (m > most) {
      const range = Near.range(scores, m)
      low = f32x4.extract_lane(range, 0)
      high = f32x4.extract_lane(range, 1)
      // Between two neighbouring floats there is no middle: then equal scores fill the list in their order.
      for (;;) {
        const middle = low + (high - low) * 0.5
        if (!(middle > low && middle < high)) break
        const reached = Near.count(scores, m, middle)
        if (reached < least) high = middle
        else {
          low = middle
          if (reached <= most) {
            high = Infinity
            break
          }
        }
      }
    }
    let kept = 0
    if (high < Infinity) kept = Near.collect(scores, m, ids, high, Infinity, kept, most, outIds, outScores)
    kept = Near.collect(scores, m, ids, low, high, kept, high < Infinity ? least : most, outIds, outScores)
    for (; kept < most; kept++) {
      store<u32>(outIds + ((<usize>kept) << 2), 0xffffffff)
      store<f32>(outScores + ((<usize>kept) << 2), -Infinity)
    }
    scores += (<usize>m) << 2
    outIds += (<usize>most) << 2
    outScores += (<usize>most) << 2
  }
}
