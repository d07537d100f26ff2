import { Lanes } from './lanes'
import { Leaf } from './leaves'

/**
 * Product codes of 4 bits. A vector of M sub-vectors of d dimensions is coded by its nearest of 16 centroids in each.
 *
 *   codebooks  f32 [M x d x 16]    the 16 values of one dimension lie together
 *   block      m entries, at most 16, M / 2 columns of m bytes:
 *              | column 0: entry 0 .. entry m - 1 | column 1 | ...     byte = sub-code 2c | sub-code 2c + 1 << 4
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

  /** What one column of two tables adds to 16 entries. */
  @inline static two(codes: usize, tables: usize, nibble: v128): v128 {
    const pair = v128.load(codes)
    const first = Lanes.lookup(v128.load(tables), v128.and(pair, nibble))
    return i8x16.add(first, Lanes.lookup(v128.load(tables, 16), Codes.high(pair, nibble)))
  }

  /** The second sub-codes of 16 entries. V8 takes five instructions for a shift of bytes, and two for this. */
  @inline static high(pair: v128, nibble: v128): v128 {
    return v128.and(i16x8.shr_u(pair, 4), nibble)
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

  /**
   * One block.
   * @param size - its entries, 1 to 16; places beyond get sums of whatever follows.
   */
  static one(
    block: usize,
    size: usize,
    columns: i32,
    tables: usize,
    hasTerms: bool,
    nibble: v128,
    factor: v128,
    base: v128,
    out: usize,
  ): void {
    let low = i16x8.splat(0)
    let odd = i16x8.splat(0)
    for (; columns; columns--) {
      const sum = Codes.two(block, tables, nibble)
      low = i16x8.add(low, sum)
      odd = i16x8.add(odd, i16x8.shr_u(sum, 8))
      block += size
      tables += 32
    }
    Codes.finish(low, odd, hasTerms ? block : 0, factor, base, out)
  }

  /** Two whole blocks, so that a table is loaded once for 32 entries. Values are at most 63, so that four of them fit a byte. */
  static pair(
    block: usize,
    bytes: usize,
    columns: i32,
    tables: usize,
    hasTerms: bool,
    nibble: v128,
    factor: v128,
    base: v128,
    out: usize,
  ): void {
    let codes = block
    let lowA = i16x8.splat(0)
    let oddA = i16x8.splat(0)
    let lowB = i16x8.splat(0)
    let oddB = i16x8.splat(0)
    let left = columns
    for (; left >= 2; left -= 2) {
      const t0 = v128.load(tables)
      const t1 = v128.load(tables, 16)
      const a0 = v128.load(codes)
      const b0 = v128.load(codes + bytes)
      let sumA = Lanes.lookup(t0, v128.and(a0, nibble))
      let sumB = Lanes.lookup(t0, v128.and(b0, nibble))
      sumA = i8x16.add(sumA, Lanes.lookup(t1, Codes.high(a0, nibble)))
      sumB = i8x16.add(sumB, Lanes.lookup(t1, Codes.high(b0, nibble)))
      const t2 = v128.load(tables, 32)
      const t3 = v128.load(tables, 48)
      const a1 = v128.load(codes, 16)
      const b1 = v128.load(codes + bytes, 16)
      sumA = i8x16.add(sumA, Lanes.lookup(t2, v128.and(a1, nibble)))
      sumB = i8x16.add(sumB, Lanes.lookup(t2, v128.and(b1, nibble)))
      sumA = i8x16.add(sumA, Lanes.lookup(t3, Codes.high(a1, nibble)))
      sumB = i8x16.add(sumB, Lanes.lookup(t3, Codes.high(b1, nibble)))
      lowA = i16x8.add(lowA, sumA)
      oddA = i16x8.add(oddA, i16x8.shr_u(sumA, 8))
      lowB = i16x8.add(lowB, sumB)
      oddB = i16x8.add(oddB, i16x8.shr_u(sumB, 8))
      codes += 32
      tables += 64
    }
    if (left) {
      const sumA = Codes.two(codes, tables, nibble)
      const sumB = Codes.two(codes + bytes, tables, nibble)
      lowA = i16x8.add(lowA, sumA)
      oddA = i16x8.add(oddA, i16x8.shr_u(sumA, 8))
      lowB = i16x8.add(lowB, sumB)
      oddB = i16x8.add(oddB, i16x8.shr_u(sumB, 8))
      codes += 16
    }
    Codes.finish(lowA, oddA, hasTerms ? codes : 0, factor, base, out)
    Codes.finish(lowB, oddB, hasTerms ? codes + bytes : 0, factor, base, out + 32)
  }
}

/**
 * Code up to 16 rows of a leaf as one block of 16; places without a row get zeros.
 * @param rows - f32 [count x M * d], rotated, `stride` bytes apart.
 * @param centroid - f32 [M * d], rotated: rows are coded as their difference to it.
 * @param columns - M / 2.
 * @param out - the block.
 * @param outTerms - f32 [count]: 2 centroid . r + r . r of the coded difference r.
 */
export function encodeBlock(
  rows: usize,
  stride: usize,
  count: i32,
  centroid: usize,
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
    let middle = centroid
    let book = codebooks
    let term: f32 = 0
    for (let m = 0; m < columns << 1; m++) {
      const code = Codes.nearest(row, middle, book, d)
      const byte = out + (((<usize>m) >> 1) << 4) + i
      store<u8>(byte, load<u8>(byte) | (code << ((m & 1) << 2)))
      for (let j = 0; j < d; j++) {
        const value = load<f32>(book + ((<usize>((j << 4) + code)) << 2))
        term += value * (2 * load<f32>(middle + ((<usize>j) << 2)) + value)
      }
      row += (<usize>d) << 2
      middle += (<usize>d) << 2
      book += size
    }
    store<f32>(outTerms + ((<usize>i) << 2), term)
    rows += stride
  }
}

/**
 * Add up rows by the nearest centroid of each sub-code: sums f64 [M x 16 x d] and counts u32 [M x 16] grow.
 * @param rows - f32 [count x M * d], `stride` bytes apart: added as they are.
 * @param centroid - f32 [M * d]: what is nearest to their difference to it counts.
 */
export function addNearest(
  rows: usize,
  stride: usize,
  count: i32,
  centroid: usize,
  codebooks: usize,
  columns: i32,
  d: i32,
  sums: usize,
  counts: usize,
): void {
  for (let i = 0; i < count; i++) {
    let row = rows
    let middle = centroid
    let book = codebooks
    for (let m = 0; m < columns << 1; m++) {
      const code = <usize>((m << 4) + Codes.nearest(row, middle, book, d))
      const held = counts + (code << 2)
      store<u32>(held, load<u32>(held) + 1)
      let sum = sums + ((code * <usize>d) << 3)
      for (let j = 0; j < d; j++) {
        store<f64>(sum, load<f64>(sum) + <f64>load<f32>(row))
        sum += 8
        row += 4
      }
      middle += (<usize>d) << 2
      book += (<usize>d) << 6
    }
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
 * Scores of all entries of some leaves, smaller is better: out i16, leaf after leaf, each in whole blocks of 16 whose last
 * places may hold no entry: 32,767. A score is the sum of its tables' values, its term and its leaf's base, saturated at
 * -32,768 and 32,767.
 * @param leaves - u32 [count].
 * @param columns - bytes of a code.
 * @param entryBytes - with two bytes more than a code and a number, entries have terms.
 * @param factor - what a term counts, in 2^-15.
 * @param bases - i32 [count].
 * @returns how many places there are, a multiple of 16.
 */
export function scanCodes(
  leaves: usize,
  count: i32,
  dim: i32,
  records: usize,
  leafOffsets: usize,
  columns: i32,
  entryBytes: usize,
  factor: i32,
  tables: usize,
  bases: usize,
  out: usize,
): i32 {
  const begin = out
  const head = Leaf.head(dim)
  const hasTerms = entryBytes > <usize>columns + 4
  const bytes = (entryBytes - 4) << 4
  const factors = i16x8.splat(<i16>factor)
  const nibble = Lanes.held(i8x16.splat(15), factors)
  for (const end = leaves + ((<usize>count) << 2); leaves < end; leaves += 4) {
    const leaf = load<u32>(leaves)
    const size = Leaf.size(leafOffsets, leaf)
    const base = i16x8.splat(<i16>load<i32>(bases))
    bases += 4
    let block = Leaf.record(records, leafOffsets, leaf, head, entryBytes) + head
    let left = size
    for (; left >= 32; left -= 32) {
      Codes.pair(block, bytes, columns, tables, hasTerms, nibble, factors, base, out)
      block += bytes << 1
      out += 64
    }
    while (left) {
      const some = min<u32>(left, 16)
      Codes.one(block, some, columns, tables, hasTerms, nibble, factors, base, out)
      block += bytes
      out += 32
      left -= some
    }
    for (let i = out - ((<usize>(-size & 15)) << 1); i < out; i += 2) store<i16>(i, 32767)
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
