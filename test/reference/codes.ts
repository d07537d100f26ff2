/**
 * Product codes in plain loops. Where a kernel computes in f32, so does its twin, operation by operation: the two agree to
 * the bit.
 */
const { fround } = Math

/** The nearest whole number, the even one of two. */
function nearest(value: number): number {
  const below = Math.floor(value)
  const rest = value - below
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1
  return below % 2 === 0 ? below : below + 1
}

function saturated(value: number): number {
  return Math.max(-32_768, Math.min(32_767, value))
}

/** Whole numbers of at most `levels` steps, and the step. */
export function quantize(values: ArrayLike<number>, levels: number): { steps: number[]; unit: number } {
  const most = Array.from(values).reduce((sum, value) => Math.max(sum, Math.abs(value)), 0)
  const unit = fround(fround(most) / levels)
  const scale = unit > 1e-37 ? fround(1 / unit) : 0
  return { steps: Array.from(values, (value) => nearest(fround(scale * value))), unit }
}

export function scoreChildrenInt(
  z: readonly number[],
  unit: number,
  weights: readonly (readonly number[])[],
  scales: ArrayLike<number>,
  bias: ArrayLike<number>,
  parents: readonly number[],
  arity: number,
): number[] {
  return parents.flatMap((parent) =>
    Array.from({ length: arity }, (_, j) => {
      const child = parent * arity + j
      const sum = fround(weights[child]!.reduce((total, weight, i) => total + weight * z[i]!, 0))
      return fround(fround(sum * fround(unit * scales[child]!)) + bias[child]!)
    }),
  )
}

export function subtract(x: ArrayLike<number>, y: ArrayLike<number>): number[] {
  return Array.from(x, (value, i) => fround(value - y[i]!))
}

/** Codebooks as [sub-code][centroid][component]. */
export type Books = readonly (readonly (readonly number[])[])[]

/** Sums [book][centroid][component] and counts [book][centroid] of rows by their codes. */
export function addNearest(
  rows: readonly (readonly number[])[],
  codes: readonly (readonly number[])[],
  width: number,
): { sums: number[]; counts: number[] } {
  const books = codes[0]!.length
  const sums = new Array<number>(books * 16 * width).fill(0)
  const counts = new Array<number>(books * 16).fill(0)
  rows.forEach((row, i) => {
    codes[i]!.forEach((code, m) => {
      counts[m * 16 + code]!++
      for (let j = 0; j < width; j++) sums[(m * 16 + code) * width + j]! += row[m * width + j]!
    })
  })
  return { sums, counts }
}

/** Sub-codes of a row's difference to a centroid, and its term. */
export function encode(
  row: readonly number[],
  centroid: readonly number[],
  books: Books,
): { codes: number[]; term: number } {
  let term = 0
  const codes = books.map((book, m) => {
    const width = book[0]!.length
    let best = 0
    let least = Infinity
    book.forEach((value, c) => {
      let sum = 0
      for (let j = 0; j < width; j++) {
        const x = fround(row[m * width + j]! - centroid[m * width + j]!)
        const difference = fround(x - value[j]!)
        sum = fround(sum + fround(difference * difference))
      }
      if (sum < least) {
        least = sum
        best = c
      }
    })
    for (let j = 0; j < width; j++) {
      const value = book[best]![j]!
      term = fround(term + fround(value * fround(fround(2 * centroid[m * width + j]!) + value)))
    }
    return best
  })
  return { codes, term }
}

/** Sub-codes of up to 16 rows as the columns of a block of `size` entries. */
export function packBlock(codes: readonly (readonly number[])[], columns: number, size = 16): number[] {
  const block = new Array<number>(size * columns).fill(0)
  codes.forEach((own, i) => own.forEach((code, m) => (block[(m >> 1) * size + i]! |= code << (4 * (m & 1)))))
  return block
}

export function codeTables(
  query: readonly number[],
  books: Books,
  factor: number,
  levels: number,
  mostScale: number,
): { tables: number[][]; least: number; scale: number } {
  let sum = 0
  let widest = 0
  const above = books.map((book, m) => {
    const values = book.map((value) => {
      let total = 0
      value.forEach((part, j) => {
        total = fround(total + fround(fround(fround(factor) * query[m * value.length + j]!) * part))
      })
      return total
    })
    const least = Math.min(...values)
    sum = fround(sum + least)
    widest = Math.max(widest, fround(Math.max(...values) - least))
    return values.map((value) => fround(value - least))
  })
  const scale = Math.min(fround(mostScale), fround(fround(levels) / widest))
  const tables = above.map((values) => values.map((value) => Math.min(255, nearest(fround(scale * value)))))
  return { tables, least: sum, scale }
}

export function leafBases(
  query: readonly number[],
  unit: number,
  centroids: readonly (readonly number[])[],
  scales: ArrayLike<number>,
  biases: ArrayLike<number>,
  weight: number,
  leaves: readonly number[],
  scale: number,
): { least: number; bases: number[] } {
  const values = leaves.map((leaf) => {
    const sum = fround(centroids[leaf]!.reduce((total, step, i) => total + step * query[i]!, 0))
    return fround(biases[leaf]! - fround(fround(sum * scales[leaf]!) * fround(fround(weight) * fround(unit))))
  })
  const least = values.reduce((least, value) => Math.min(least, value), Infinity)
  const bases = values.map((value) => {
    const above = fround(fround(value - least) * fround(scale))
    return above < 32_767 ? nearest(above) : 32_767
  })
  return { least, bases }
}

/** Places of the leaves that are scanned: the entry at each, or undefined where it holds none of its leaf. */
export function placesOf(leaves: readonly number[], offsets: readonly number[]): (number | undefined)[] {
  return leaves.flatMap((leaf) => {
    const [first, last] = [offsets[leaf]!, offsets[leaf + 1]!]
    const length = Math.ceil((last - first) / 16) * 16
    return Array.from({ length }, (_, i) => (first + i < last ? first + i : undefined))
  })
}

/** Scores of all places. */
export function scanCodes(
  leaves: readonly number[],
  offsets: readonly number[],
  codes: readonly (readonly number[])[],
  terms: ArrayLike<number> | undefined,
  factor: number,
  tables: readonly (readonly number[])[],
  bases: readonly number[],
): number[] {
  return leaves.flatMap((leaf, i) =>
    placesOf([leaf], offsets).map((entry) => {
      if (entry === undefined) return 32_767
      const sum = codes[entry]!.reduce((total, code, m) => total + tables[m]![code]!, 0)
      const term = terms === undefined ? 0 : Math.floor((terms[entry]! * factor + 16_384) / 32_768)
      return saturated(saturated(sum + term) + bases[i]!)
    }),
  )
}

export function countScores(scores: ArrayLike<number>, bound: number): number {
  return Array.from(scores).filter((score) => score <= bound).length
}

export function countEntries(leaves: readonly number[], offsets: readonly number[]): number {
  return leaves.reduce((sum, leaf) => sum + offsets[leaf + 1]! - offsets[leaf]!, 0)
}

/** Rows of the entries at some places, ascending, each once. */
export function placePositions(
  places: readonly number[],
  leaves: readonly number[],
  offsets: readonly number[],
  entries: readonly number[],
): number[] {
  const all = placesOf(leaves, offsets)
  const rows = new Set(places.flatMap((place) => (all[place] === undefined ? [] : [entries[all[place]]!])))
  return [...rows].sort((a, b) => a - b)
}

/** Rows of the entries at some places by row, each with the least of its distances: shift + step * score. */
export function codeRows(
  places: readonly number[],
  leaves: readonly number[],
  offsets: readonly number[],
  entries: readonly number[],
  scores: ArrayLike<number>,
  step: number,
  shift: number,
): Map<number, number> {
  const all = placesOf(leaves, offsets)
  const rows = new Map<number, number>()
  for (const place of places) {
    if (all[place] === undefined) continue
    const row = entries[all[place]]!
    const distance = fround(fround(shift) + fround(fround(step) * scores[place]!))
    rows.set(row, Math.min(distance, rows.get(row) ?? Infinity))
  }
  return rows
}
