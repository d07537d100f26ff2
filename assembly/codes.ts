import { MetricCode, Sums } from './sums'
import { Lanes, RowCode } from './lanes'
import { Touch } from './touch'

/**
 * Product codes of 4 bits. A vector of M sub-vectors of d dimensions is coded by its nearest of 16 centroids in each.
 *
 *   codebooks  f32 [M x d x 16]    the 16 values of one dimension lie together
 *   block      16 entries, M / 2 columns of 16 bytes:
 *              | column 0: entry 0 .. entry 15 | column 1 | ...     byte = sub-code 2c | sub-code 2c + 1 << 4
 *   tables     u8 [M x 16]         what a query adds for each centroid, the least of every table as 0
 */
abstract class Codes {
  /** The nearest of 16 values to the difference of a row's and a centroid's sub-vector, the first of equals. */
  @inline static nearest(row: usize, centroid: usize, book: usize, d: i32): i32 {
    let a = f32x4.splat(0)
    let b = f32x4.splat(0)
    let c = f32x4.splat(0)
    let e = f32x4.splat(0)
    for (const end = row + ((<usize>d) << 2); row < end; row += 4) {
      const x = f32x4.sub(v128.load32_splat(row), v128.load32_splat(centroid))
      centroid += 4
      const da = f32x4.sub(x, v128.load(book))
      const db = f32x4.sub(x, v128.load(book, 16))
      const dc = f32x4.sub(x, v128.load(book, 32))
      const de = f32x4.sub(x, v128.load(book, 48))
      a = f32x4.add(a, f32x4.mul(da, da))
      b = f32x4.add(b, f32x4.mul(db, db))
      c = f32x4.add(c, f32x4.mul(dc, dc))
      e = f32x4.add(e, f32x4.mul(de, de))
      book += 64
    }
    let least = f32x4.pmin(f32x4.pmin(a, b), f32x4.pmin(c, e))
    least = f32x4.pmin(least, v128.shuffle<f32>(least, least, 2, 3, 0, 1))
    least = f32x4.pmin(least, v128.shuffle<f32>(least, least, 1, 0, 3, 2))
    const low = i16x8.narrow_i32x4_s(f32x4.le(a, least), f32x4.le(b, least))
    const high = i16x8.narrow_i32x4_s(f32x4.le(c, least), f32x4.le(e, least))
    // Bit 16 stands where no distance is comparable, so that a place is always found.
    return ctz(i8x16.bitmask(i8x16.narrow_i16x8_s(low, high)) | 0x10000) & 15
  }

  /** What two columns of four tables add to 16 entries, each at most 63, so that four of them fit a byte. */
  @inline static four(codes: usize, tables: usize): v128 {
    return i8x16.add(Codes.two(codes, tables), Codes.two(codes + 16, tables + 32))
  }

  /** What one column of two tables adds to 16 entries. */
  @inline static two(codes: usize, tables: usize): v128 {
    const pair = v128.load(codes)
    const first = Lanes.lookup(v128.load(tables), v128.and(pair, i8x16.splat(15)))
    return i8x16.add(first, Lanes.lookup(v128.load(tables, 16), i8x16.shr_u(pair, 4)))
  }

  /** Sums of bytes as they add up: `low` modulo 2^16 with the odd bytes on top, `odd` by themselves. */
  @inline static even(low: v128, odd: v128): v128 {
    return i16x8.sub(low, i16x8.shl(odd, 8))
  }

  /** The sums of 16 entries with their terms and the leaf's base, saturated, as they are stored. */
  @inline static finish(low: v128, odd: v128, terms: usize, factor: v128, base: v128, out: usize): void {
    const even = Codes.even(low, odd)
    let first = v128.shuffle<i16>(even, odd, 0, 8, 1, 9, 2, 10, 3, 11)
    let second = v128.shuffle<i16>(even, odd, 4, 12, 5, 13, 6, 14, 7, 15)
    if (terms) {
      first = i16x8.add_sat_s(first, i16x8.q15mulr_sat_s(v128.load(terms), factor))
      second = i16x8.add_sat_s(second, i16x8.q15mulr_sat_s(v128.load(terms, 16), factor))
    }
    v128.store(out, i16x8.add_sat_s(first, base))
    v128.store(out, i16x8.add_sat_s(second, base), 16)
  }

  /** One block of 16 entries. */
  static one(codes: usize, columns: i32, tables: usize, terms: usize, factor: v128, base: v128, out: usize): void {
    let low = i16x8.splat(0)
    let odd = i16x8.splat(0)
    let left = columns
    for (; left >= 2; left -= 2) {
      const sum = Codes.four(codes, tables)
      low = i16x8.add(low, sum)
      odd = i16x8.add(odd, i16x8.shr_u(sum, 8))
      codes += 32
      tables += 64
    }
    if (left) {
      const sum = Codes.two(codes, tables)
      low = i16x8.add(low, sum)
      odd = i16x8.add(odd, i16x8.shr_u(sum, 8))
    }
    Codes.finish(low, odd, terms, factor, base, out)
  }

  /** Two blocks, so that a table is loaded once for 32 entries. */
  static pair(codes: usize, columns: i32, tables: usize, terms: usize, factor: v128, base: v128, out: usize): void {
    const size = (<usize>columns) << 4
    const nibble = i8x16.splat(15)
    let lowA = i16x8.splat(0)
    let oddA = i16x8.splat(0)
    let lowB = i16x8.splat(0)
    let oddB = i16x8.splat(0)
    let left = columns
    for (; left >= 2; left -= 2) {
      const t0 = v128.load(tables)
      const t1 = v128.load(tables, 16)
      const a0 = v128.load(codes)
      const b0 = v128.load(codes + size)
      let sumA = Lanes.lookup(t0, v128.and(a0, nibble))
      let sumB = Lanes.lookup(t0, v128.and(b0, nibble))
      sumA = i8x16.add(sumA, Lanes.lookup(t1, i8x16.shr_u(a0, 4)))
      sumB = i8x16.add(sumB, Lanes.lookup(t1, i8x16.shr_u(b0, 4)))
      const t2 = v128.load(tables, 32)
      const t3 = v128.load(tables, 48)
      const a1 = v128.load(codes, 16)
      const b1 = v128.load(codes + size, 16)
      sumA = i8x16.add(sumA, Lanes.lookup(t2, v128.and(a1, nibble)))
      sumB = i8x16.add(sumB, Lanes.lookup(t2, v128.and(b1, nibble)))
      sumA = i8x16.add(sumA, Lanes.lookup(t3, i8x16.shr_u(a1, 4)))
      sumB = i8x16.add(sumB, Lanes.lookup(t3, i8x16.shr_u(b1, 4)))
      lowA = i16x8.add(lowA, sumA)
      oddA = i16x8.add(oddA, i16x8.shr_u(sumA, 8))
      lowB = i16x8.add(lowB, sumB)
      oddB = i16x8.add(oddB, i16x8.shr_u(sumB, 8))
      codes += 32
      tables += 64
    }
    if (left) {
      const sumA = Codes.two(codes, tables)
      const sumB = Codes.two(codes + size, tables)
      lowA = i16x8.add(lowA, sumA)
      oddA = i16x8.add(oddA, i16x8.shr_u(sumA, 8))
      lowB = i16x8.add(lowB, sumB)
      oddB = i16x8.add(oddB, i16x8.shr_u(sumB, 8))
    }
    Codes.finish(lowA, oddA, terms, factor, base, out)
    Codes.finish(lowB, oddB, terms ? terms + 32 : 0, factor, base, out + 32)
  }
}

/**
 * Code up to 16 rows as one block; places without a row get zeros.
 * @param rows - f32 [count x M * d], rotated, `stride` bytes apart.
 * @param centroids - f32 [M * d] each, rotated, `stride` bytes apart: row i is coded as its difference to centroids [leaves i].
 * @param leaves - u32 [count].
 * @param columns - M / 2.
 * @param out - the block.
 * @param outTerms - f32 [count]: 2 centroid . r + r . r of the coded difference r.
 */
export function encodeBlock(
  rows: usize,
  stride: usize,
  count: i32,
  centroids: usize,
  leaves: usize,
  codebooks: usize,
  columns: i32,
  d: i32,
  out: usize,
  outTerms: usize,
): void {
  const size = (<usize>d) << 6
  memory.fill(out, 0, (<usize>columns) << 4)
  for (let i = 0; i < count; i++) {
    let row = rows
    let centroid = centroids + <usize>load<u32>(leaves + ((<usize>i) << 2)) * stride
    let book = codebooks
    let term: f32 = 0
    for (let m = 0; m < columns << 1; m++) {
      const code = Codes.nearest(row, centroid, book, d)
      const byte = out + (((<usize>m) >> 1) << 4) + i
      store<u8>(byte, load<u8>(byte) | (code << ((m & 1) << 2)))
      for (let j = 0; j < d; j++) {
        const value = load<f32>(book + ((<usize>((j << 4) + code)) << 2))
        term += value * (2 * load<f32>(centroid + ((<usize>j) << 2)) + value)
      }
      row += (<usize>d) << 2
      centroid += (<usize>d) << 2
      book += size
    }
    store<f32>(outTerms + ((<usize>i) << 2), term)
    rows += stride
  }
}

/**
 * The tables of a query: factor * query . centroid for each sub-code, each table less its least value, times a scale under
 * which the widest table just reaches `levels`.
 * @param query - f32 [M * d], rotated.
 * @param mostScale - the scale is at most this.
 * @param scratch - f32 [M x 16].
 * @param out - u8 [M x 16].
 * @param outLeast - f32: the sum of the least values.
 * @returns the scale.
 */
export function codeTables(
  query: usize,
  codebooks: usize,
  m: i32,
  d: i32,
  factor: f32,
  levels: f32,
  mostScale: f32,
  scratch: usize,
  out: usize,
  outLeast: usize,
): f32 {
  const factors = f32x4.splat(factor)
  let widest: f32 = 0
  let sum: f32 = 0
  for (let i = 0; i < m; i++) {
    let a = f32x4.splat(0)
    let b = f32x4.splat(0)
    let c = f32x4.splat(0)
    let e = f32x4.splat(0)
    for (let j = 0; j < d; j++) {
      const x = f32x4.mul(factors, v128.load32_splat(query))
      a = f32x4.add(a, f32x4.mul(x, v128.load(codebooks)))
      b = f32x4.add(b, f32x4.mul(x, v128.load(codebooks, 16)))
      c = f32x4.add(c, f32x4.mul(x, v128.load(codebooks, 32)))
      e = f32x4.add(e, f32x4.mul(x, v128.load(codebooks, 48)))
      query += 4
      codebooks += 64
    }
    let least = f32x4.pmin(f32x4.pmin(a, b), f32x4.pmin(c, e))
    let most = f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, e))
    least = f32x4.pmin(least, v128.shuffle<f32>(least, least, 2, 3, 0, 1))
    most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1))
    least = f32x4.pmin(least, v128.shuffle<f32>(least, least, 1, 0, 3, 2))
    most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2))
    v128.store(scratch, f32x4.sub(a, least))
    v128.store(scratch, f32x4.sub(b, least), 16)
    v128.store(scratch, f32x4.sub(c, least), 32)
    v128.store(scratch, f32x4.sub(e, least), 48)
    scratch += 64
    sum += f32x4.extract_lane(least, 0)
    widest = max(widest, f32x4.extract_lane(f32x4.sub(most, least), 0))
  }
  store<f32>(outLeast, sum)
  const scale = min(mostScale, levels / widest)
  const scales = f32x4.splat(scale)
  scratch -= (<usize>m) << 6
  for (let i = 0; i < m; i++) {
    const a = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(scales, v128.load(scratch))))
    const b = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(scales, v128.load(scratch, 16))))
    const c = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(scales, v128.load(scratch, 32))))
    const e = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(scales, v128.load(scratch, 48))))
    v128.store(out, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, e)))
    scratch += 64
    out += 16
  }
  return scale
}

/**
 * Bases of leaves: bias - weight * (query . centroid), less the smallest of them, times `scale`: out i32 [count], at most
 * 32,767, the rest counts as that.
 * @param query - i16, in steps of `unit`.
 * @param centroids - i8 rows `stride` bytes apart, in steps of scales [leaf].
 * @param biases - f32 by leaf.
 * @param scratch - f32 [count].
 * @returns the smallest base, unscaled.
 */
export function leafBases(
  query: usize,
  unit: f32,
  dim: i32,
  centroids: usize,
  stride: usize,
  scales: usize,
  biases: usize,
  weight: f32,
  leaves: usize,
  count: i32,
  scale: f32,
  scratch: usize,
  out: usize,
): f32 {
  let least: f32 = Infinity
  for (let i = 0; i < count; i += 4) {
    const last = count - 1
    const a = load<u32>(leaves + ((<usize>i) << 2))
    const b = load<u32>(leaves + ((<usize>min(i + 1, last)) << 2))
    const c = load<u32>(leaves + ((<usize>min(i + 2, last)) << 2))
    const d = load<u32>(leaves + ((<usize>min(i + 3, last)) << 2))
    const sums = Sums.four(
      MetricCode.IP,
      RowCode.I8,
      1,
      query,
      dim,
      centroids + <usize>a * stride,
      centroids + <usize>b * stride,
      centroids + <usize>c * stride,
      centroids + <usize>d * stride,
    )
    const base = f32x4.sub(
      Lanes.gather(biases, a, b, c, d),
      f32x4.mul(f32x4.mul(sums, Lanes.gather(scales, a, b, c, d)), f32x4.splat(weight * unit)),
    )
    Lanes.store(scratch + ((<usize>i) << 2), base, count - i)
  }
  for (let i: usize = 0; i < <usize>count; i++) least = min(least, load<f32>(scratch + (i << 2)))
  for (let i: usize = 0; i < <usize>count; i++) {
    const above = (load<f32>(scratch + (i << 2)) - least) * scale
    store<i32>(out + (i << 2), above < 32767 ? <i32>nearest(above) : 32767)
  }
  return least
}

/**
 * Scores of all entries of some leaves, smaller is better: out i16, leaf after leaf. A score is the sum of its tables'
 * values, its term and its leaf's base, saturated at -32,768 and 32,767.
 *
 * The entries of all leaves lie in blocks of 16 one after the other, so a leaf may begin and end within a block: whole blocks
 * are scored, and the places of other leaves' entries hold 32,767.
 * @param leaves - u32 [count].
 * @param leafOffsets - u32 by leaf: its first entry.
 * @param columns - bytes of a code.
 * @param terms - i16 by entry, or 0.
 * @param factor - what a term counts, in 2^-15.
 * @param bases - i32 [count].
 * @returns how many places there are, a multiple of 16.
 */
export function scanCodes(
  leaves: usize,
  count: i32,
  leafOffsets: usize,
  codes: usize,
  columns: i32,
  terms: usize,
  factor: i32,
  tables: usize,
  bases: usize,
  out: usize,
): i32 {
  const begin = out
  const size = (<usize>columns) << 4
  const factors = i16x8.splat(<i16>factor)
  for (const end = leaves + ((<usize>count) << 2); leaves < end; leaves += 4) {
    const at = leafOffsets + ((<usize>load<u32>(leaves)) << 2)
    const first = load<u32>(at)
    const last = load<u32>(at, 4)
    const base = i16x8.splat(<i16>load<i32>(bases))
    bases += 4
    if (first == last) continue
    if (leaves + 4 < end) {
      // The next leaf lies elsewhere: its lines come while this one is scored, whose scores overwrite what is stored here.
      const next = leafOffsets + ((<usize>load<u32>(leaves, 4)) << 2)
      const from = load<u32>(next) >> 4
      const blocks = ((load<u32>(next, 4) + 15) >> 4) - from
      store<u64>(out, Touch.lines(codes + <usize>from * size, <usize>blocks * size))
    }
    let left = <i32>(((last + 15) >> 4) - (first >> 4))
    let block = codes + <usize>(first >> 4) * size
    let term = terms ? terms + ((<usize>(first & ~15)) << 1) : 0
    const from = out
    for (; left >= 2; left -= 2) {
      Codes.pair(block, columns, tables, term, factors, base, out)
      block += size << 1
      if (terms) term += 64
      out += 64
    }
    if (left) {
      Codes.one(block, columns, tables, term, factors, base, out)
      out += 32
    }
    for (let i = from; i < from + ((<usize>(first & 15)) << 1); i += 2) store<i16>(i, 32767)
    for (let i = out - ((<usize>(-last & 15)) << 1); i < out; i += 2) store<i16>(i, 32767)
  }
  return <i32>((out - begin) >> 1)
}

/**
 * A vector in whole numbers of at most `most` times a unit, which is returned: out i16 [count], in steps of eight components.
 * @param values - f32 [count], with zeros up to a multiple of 8.
 */
export function quantize(values: usize, count: i32, most: f32, out: usize): f32 {
  const end = values + ((<usize>((count + 7) & ~7)) << 2)
  let peak = f32x4.splat(0)
  for (let at = values; at < end; at += 16) peak = f32x4.pmax(peak, f32x4.abs(v128.load(at)))
  peak = f32x4.pmax(peak, v128.shuffle<f32>(peak, peak, 2, 3, 0, 1))
  peak = f32x4.pmax(peak, v128.shuffle<f32>(peak, peak, 1, 0, 3, 2))
  const unit = f32x4.extract_lane(peak, 0) / most
  const scale = f32x4.splat(unit > 1e-37 ? 1 / unit : 0)
  for (let at = values; at < end; at += 32) {
    const low = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(scale, v128.load(at))))
    const high = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(scale, v128.load(at, 16))))
    v128.store(out, i16x8.narrow_i32x4_s(low, high))
    out += 16
  }
  return unit
}

/** out = x - y, f32 [count]; whole vectors of four are written. */
export function subtract(x: usize, y: usize, count: i32, out: usize): void {
  for (const end = x + ((<usize>count) << 2); x < end; x += 16) {
    v128.store(out, f32x4.sub(v128.load(x), v128.load(y)))
    y += 16
    out += 16
  }
}
