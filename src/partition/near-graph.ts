import { NO_ROW } from './points.js'

/** Spreads row numbers over a table: 2^32 over the golden ratio (Knuth, The Art of Computer Programming, vol. 3, 6.4). */
const GOLDEN = 0x9e37_79b1

/** Who is near whom, among the rows that were searched for: arrays are shared, lists are ended by `NO_ROW`. */
export interface NearGraph {
  /** Rows in a list at the most. */
  readonly k: number
  /** [size] the number of each row's list; `NO_ROW` where it has none. */
  readonly listOf: Uint32Array
  /** [lists * k] positions, nearest first. */
  readonly lists: Uint32Array
  /** [size * k] by position, the rows whose lists name it: of more than k, those that name it first in theirs. */
  readonly back: Uint32Array
}

/**
 * The graph of some rows' lists.
 * @param positions - of the rows that have lists.
 * @param lists - [positions * k]
 * @param take - gives the two arrays of the graph that are new.
 */
export function nearGraph(
  positions: Uint32Array,
  lists: Uint32Array,
  { k, size }: { k: number; size: number },
  take: (length: number) => Uint32Array = (length) => new Uint32Array(length),
): NearGraph {
  const listOf = take(size).fill(NO_ROW)
  const back = take(size * k).fill(NO_ROW)
  const named = new Uint32Array(size)
  for (let i = 0; i < positions.length; i++) listOf[positions[i]!] = i
  for (let j = 0; j < k; j++) {
    for (let i = 0; i < positions.length; i++) {
      const row = lists[i * k + j]!
      if (row !== NO_ROW && named[row]! < k) back[row * k + named[row]!++] = positions[i]!
    }
  }
  return { k, listOf, lists, back }
}

/** A query's neighbours, with those that are near to them in a graph: each once, the neighbours first. */
export class Neighbourhood {
  readonly #graph: NearGraph
  /** The rows met, each at the first free place from its hash on. */
  readonly #met: Uint32Array
  readonly #shift: number
  readonly #rows: Uint32Array
  #count = 0

  constructor(graph: NearGraph) {
    const { k } = graph
    this.#graph = graph
    this.#rows = new Uint32Array(Neighbourhood.most(k))
    const bits = Math.ceil(Math.log2(this.#rows.length)) + 1
    this.#met = new Uint32Array(2 ** bits)
    this.#shift = 32 - bits
  }

  /** Rows at the most, the query's own among them. */
  static most(k: number): number {
    return 1 + 2 * k + 2 * k * k
  }

  /**
   * @param near - positions of a query's neighbours.
   * @param self - position of the query's own row, which is left out, or `NO_ROW`.
   * @returns positions, valid until the next call.
   */
  of(near: Uint32Array, self: number): Uint32Array {
    const { k, listOf, lists, back } = this.#graph
    this.#count = 0
    this.#met.fill(NO_ROW)
    const first = self === NO_ROW ? 0 : 1
    if (first === 1) this.#meet(self)
    this.#meetAll(near, 0, near.length)
    const end = this.#count
    if (first === 1) this.#meetAll(back, self * k, k)
    for (let i = first; i < end; i++) {
      const row = this.#rows[i]!
      this.#meetAll(back, row * k, k)
      if (listOf[row] !== NO_ROW) this.#meetAll(lists, listOf[row]! * k, k)
    }
    return this.#rows.subarray(first, this.#count)
  }

  #meetAll(list: Uint32Array, at: number, length: number): void {
    for (const end = at + length; at < end && list[at] !== NO_ROW; at++) this.#meet(list[at]!)
  }

  #meet(row: number): void {
    const met = this.#met
    const mask = met.length - 1
    let place = Math.imul(row, GOLDEN) >>> this.#shift
    while (met[place] !== NO_ROW) {
      if (met[place] === row) return
      place = (place + 1) & mask
    }
    met[place] = row
    this.#rows[this.#count++] = row
  }
}
