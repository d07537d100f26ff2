import type { Arena } from '../kernels/memory.js'

/** Rows whose lists are scored by one kernel call. */
const BLOCK = 4096
/** Rounds of price raising; what they leave is repaired. */
const MAX_ROUNDS = 80
/** Stop raising prices when no more than this share of the rows is above a capacity. */
const ENOUGH = 0.0002
/** A list ends at this leaf number. */
export const NO_LEAF = 0xffff_ffff

/** For each row, candidate leaves and scores, larger is better. */
export interface CandidateLists {
  /** [count * length] leaf numbers, a list ending early at `NO_LEAF`; undefined: each row's list is 0 .. length - 1. */
  readonly leaves: Uint32Array | undefined
  /** [count * length] */
  readonly scores: Float32Array
  readonly count: number
  readonly length: number
}

/** A balanced assignment to find. */
export interface BalanceRequest {
  readonly lists: CandidateLists
  /** [leafCount] rows that each leaf may take; together at least `lists.count`. */
  readonly capacities: Uint32Array
  /** Scores of a row against every leaf [leafCount], for the few rows whose list has no leaf with room. */
  readonly scoreAll: (row: number) => Float32Array
  /** A leaf that a row must not get even then. */
  readonly forbidden?: (row: number, leaf: number) => boolean
}

/**
 * Assign each row to one leaf so that no leaf exceeds its capacity and the sum of scores is near its maximum.
 *
 * Every leaf has a price, at first zero, and each row takes the leaf of the best score minus price. A leaf with too
 * many rows raises its price until the surplus prefers another: by the surplus-th smallest regret, the margin to the
 * row's next best leaf, so that the step follows the data's own scale. Prices only rise, hence only the rows of
 * overfull leaves need another look. The few rows left over take the best leaf of their list that has room, those
 * that lose most first, and any leaf with room after that.
 * @see design of the auction algorithm, Bertsekas 1988; capacities as in the paper's Algorithm 1.
 */
export function balance(arena: Arena, request: BalanceRequest): Uint32Array {
  const solver = new Prices(arena, request)
  try {
    solver.raise()
    return solver.repair()
  } finally {
    solver.close()
  }
}

class Prices {
  readonly #arena: Arena
  readonly #request: BalanceRequest
  readonly #leaf: Uint32Array
  readonly #choice: Uint32Array
  readonly #loads: Uint32Array
  readonly #prices: Float32Array
  readonly #scratch: number
  readonly #at: { leaves: number; scores: number; prices: number; loads: number; choice: number; regrets: number }

  constructor(arena: Arena, request: BalanceRequest) {
    const { count, length } = request.lists
    const leafCount = request.capacities.length
    const block = Math.min(BLOCK, Math.max(1, count))
    this.#arena = arena
    this.#request = request
    this.#leaf = new Uint32Array(count)
    this.#choice = new Uint32Array(count)
    this.#loads = new Uint32Array(leafCount)
    this.#prices = new Float32Array(leafCount)
    this.#scratch = arena.allocate(block * length * 8 + leafCount * 8 + block * 8 + 64)
    const leaves = this.#scratch
    const scores = leaves + block * length * 4
    const prices = scores + block * length * 4
    const loads = prices + leafCount * 4
    const choice = loads + leafCount * 4
    this.#at = { leaves, scores, prices, loads, choice, regrets: choice + block * 4 }
  }

  close(): void {
    this.#arena.free(this.#scratch)
  }

  /** Copy the lists of some rows to the arena; returns the address of the leaves, 0 for dense lists. */
  #stage(rows: Uint32Array): number {
    const { leaves, scores, length } = this.#request.lists
    const toScores = this.#arena.f32(this.#at.scores, rows.length * length)
    for (let i = 0; i < rows.length; i++) {
      const from = rows[i]! * length
      toScores.set(scores.subarray(from, from + length), i * length)
    }
    if (leaves === undefined) return 0
    const toLeaves = this.#arena.u32(this.#at.leaves, rows.length * length)
    for (let i = 0; i < rows.length; i++) {
      const from = rows[i]! * length
      toLeaves.set(leaves.subarray(from, from + length), i * length)
    }
    return this.#at.leaves
  }

  /** Let each of `rows` take its best leaf at the present prices. */
  #choose(rows: Uint32Array): void {
    const { leaves, length } = this.#request.lists
    const arena = this.#arena
    const leafCount = this.#prices.length
    arena.f32(this.#at.prices, leafCount).set(this.#prices)
    for (let first = 0; first < rows.length; first += BLOCK) {
      const some = rows.subarray(first, first + BLOCK)
      const staged = this.#stage(some)
      const { scores, prices, choice, loads } = this.#at
      arena.kernels.chooseByPrice(staged, scores, prices, some.length, length, choice, loads)
      const chosen = arena.u32(choice, some.length)
      for (let i = 0; i < some.length; i++) {
        const row = some[i]!
        this.#choice[row] = chosen[i]!
        // A row whose list is empty has no leaf until the repair.
        const listed = leaves !== undefined && chosen[i] !== NO_LEAF
        this.#leaf[row] = listed ? leaves[row * length + chosen[i]!]! : chosen[i]!
      }
    }
  }

  /** Margin of each of `rows` to its next best leaf at the present prices; infinite without one. */
  #regrets(rows: Uint32Array): Float32Array {
    const { length } = this.#request.lists
    const arena = this.#arena
    const out = new Float32Array(rows.length)
    arena.f32(this.#at.prices, this.#prices.length).set(this.#prices)
    for (let first = 0; first < rows.length; first += BLOCK) {
      const some = rows.subarray(first, first + BLOCK)
      const staged = this.#stage(some)
      const { scores, prices, choice, regrets } = this.#at
      const chosen = arena.u32(choice, some.length)
      for (let i = 0; i < some.length; i++) chosen[i] = this.#choice[some[i]!]!
      arena.kernels.regrets(staged, scores, prices, some.length, length, choice, regrets)
      out.set(arena.f32(regrets, some.length), first)
    }
    return out
  }

  /** Rows of overfull leaves, by leaf: rows [offsets[i], offsets[i + 1]) belong to leaf `over[i]`. */
  #overfull(): { over: number[]; rows: Uint32Array; offsets: number[]; surplus: number } {
    const { capacities } = this.#request
    const over: number[] = []
    const offsets = [0]
    const place = new Int32Array(capacities.length).fill(-1)
    let surplus = 0
    for (let leaf = 0; leaf < capacities.length; leaf++) {
      const excess = this.#loads[leaf]! - capacities[leaf]!
      if (excess <= 0) continue
      surplus += excess
      place[leaf] = over.length
      over.push(leaf)
      offsets.push(offsets.at(-1)! + this.#loads[leaf]!)
    }
    const rows = new Uint32Array(offsets.at(-1)!)
    const next = offsets.slice()
    if (over.length > 0) {
      for (let row = 0; row < this.#leaf.length; row++) {
        const i = place[this.#leaf[row]!]!
        if (i >= 0) rows[next[i]!++] = row
      }
    }
    return { over, rows, offsets, surplus }
  }

  /** Raise the prices of overfull leaves until the surplus is small or the rounds are spent. */
  raise(): void {
    const { count } = this.#request.lists
    const all = new Uint32Array(count)
    for (let row = 0; row < count; row++) all[row] = row
    this.#choose(all)
    for (const leaf of this.#leaf) this.#loads[leaf]!++
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const { over, rows, offsets, surplus } = this.#overfull()
      if (surplus <= ENOUGH * count) return
      const regrets = this.#regrets(rows)
      let raised = false
      for (let i = 0; i < over.length; i++) {
        const leaf = over[i]!
        const sorted = regrets.slice(offsets[i]!, offsets[i + 1]!).sort()
        const excess = this.#loads[leaf]! - this.#request.capacities[leaf]!
        let step = sorted[excess - 1]!
        if (step === Infinity) step = sorted.findLast((regret) => regret !== Infinity) ?? 0
        const price = this.#prices[leaf]!
        // The least step that turns a tie: f32 has 24 bits.
        this.#prices[leaf] = price + step + Math.max(Math.abs(price) + step, Number.MIN_VALUE) * 2e-7
        raised ||= step > 0 || round < 4
      }
      if (!raised) return
      for (const row of rows) this.#loads[this.#leaf[row]!]!--
      this.#choose(rows)
      for (const row of rows) this.#loads[this.#leaf[row]!]!++
    }
  }

  /** Move the rows above capacity, those of least regret, and those without a leaf, to the best leaf with room. */
  repair(): Uint32Array {
    const { over, rows, offsets } = this.#overfull()
    const regrets = this.#regrets(rows)
    const released: { row: number; regret: number }[] = []
    this.#leaf.forEach((leaf, row) => {
      if (leaf === NO_LEAF) released.push({ row, regret: Infinity })
    })
    for (let i = 0; i < over.length; i++) {
      const leaf = over[i]!
      const excess = this.#loads[leaf]! - this.#request.capacities[leaf]!
      const members = Array.from({ length: offsets[i + 1]! - offsets[i]! }, (_, j) => offsets[i]! + j)
      members.sort((a, b) => regrets[a]! - regrets[b]! || rows[a]! - rows[b]!)
      for (const at of members.slice(0, excess)) released.push({ row: rows[at]!, regret: regrets[at]! })
      this.#loads[leaf] = this.#request.capacities[leaf]!
    }
    released.sort((a, b) => b.regret - a.regret || a.row - b.row)
    for (const { row } of released) {
      const leaf = this.#bestWithRoom(row)
      this.#leaf[row] = leaf
      if (leaf !== NO_LEAF) this.#loads[leaf]!++
    }
    return this.#leaf
  }

  #bestWithRoom(row: number): number {
    const { lists, capacities, scoreAll, forbidden } = this.#request
    const { leaves, scores, length } = lists
    let best = -1
    let most = -Infinity
    for (let j = row * length; j < (row + 1) * length; j++) {
      const leaf = leaves === undefined ? j - row * length : leaves[j]!
      if (leaf === NO_LEAF) break
      if (this.#loads[leaf]! < capacities[leaf]! && (best < 0 || scores[j]! > most)) {
        best = leaf
        most = scores[j]!
      }
    }
    if (best >= 0) return best
    const all = scoreAll(row)
    for (let leaf = 0; leaf < all.length; leaf++) {
      const open = this.#loads[leaf]! < capacities[leaf]! && forbidden?.(row, leaf) !== true
      if (open && (best < 0 || all[leaf]! > most)) {
        best = leaf
        most = all[leaf]!
      }
    }
    return best < 0 ? NO_LEAF : best
  }
}
