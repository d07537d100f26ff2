import { align64 } from '../base/align.js'
import type { Arena } from '../kernels/memory.js'

/**
 * Rounds of price raising; what they leave is repaired. On 200,000 rows of SIFT the surplus falls from 5% to 0.5% in ten
 * rounds and to 0.3% in twenty, then hardly further.
 */
export const MAX_ROUNDS = 24
/** Stop raising prices when no more than this share of the points is above a capacity. */
const ENOUGH = 0.0002
/** A list ends at this leaf number. */
export const NO_LEAF = 0xffff_ffff

/**
 * An assignment of points to leaves under way: addresses in a memory whose threads take turns at it.
 * ```
 * | leaves u32 [count * length] | scores f32 [count * length] | leafOf u32 [count] | moving u32 [count]
 * | margins f32 [count] | prices f32 [leafCount] | capacities u32 [leafCount] | over u32 [leafCount]
 * | offsets u32 [leafCount + 1] | raised f32 [leafCount] |
 * ```
 * The overfull leaves are `over`; the points of the i-th are `moving` [offsets[i], offsets[i + 1]).
 */
export interface Auction {
  readonly count: number
  readonly length: number
  readonly leafCount: number
  /** Candidate leaves of each point, a list ending early at `NO_LEAF`; 0: every list is 0 .. length - 1. */
  readonly leaves: number
  /** Their scores, larger is better. */
  readonly scores: number
  readonly leafOf: number
  readonly moving: number
  readonly margins: number
  readonly prices: number
  readonly capacities: number
  readonly over: number
  readonly offsets: number
  readonly raised: number
}

/** Sizes of an auction. */
export interface AuctionShape {
  readonly count: number
  readonly length: number
  readonly leafCount: number
  /** Every point may choose among all leaves: no lists of leaves. */
  readonly dense: boolean
}

/** Bytes of an auction. */
export function auctionBytes(shape: AuctionShape): number {
  return partsOf(shape).reduce((sum, [, bytes]) => sum + bytes, 0)
}

/** The addresses of an auction that begins at `address`, a multiple of 64, of zeroed memory. */
export function layAuction(shape: AuctionShape, address: number): Auction {
  const { count, length, leafCount, dense } = shape
  let at = address
  const addresses = Object.fromEntries(
    partsOf(shape).map(([name, bytes]) => {
      at += bytes
      return [name, at - bytes]
    }),
  ) as Record<PartName, number>
  return { ...addresses, leaves: dense ? 0 : addresses.leaves, count, length, leafCount }
}

type PartName = Exclude<keyof Auction, 'count' | 'length' | 'leafCount'>

/** Bytes of each part, in order, multiples of 64. */
function partsOf({ count, length, leafCount, dense }: AuctionShape): [PartName, number][] {
  const bytes = (words: number): number => align64(words * 4)
  return [
    ['leaves', dense ? 0 : bytes(count * length)],
    ['scores', bytes(count * length)],
    ['leafOf', bytes(count)],
    ['moving', bytes(count)],
    ['margins', bytes(count)],
    ['prices', bytes(leafCount)],
    ['capacities', bytes(leafCount)],
    ['over', bytes(leafCount)],
    ['offsets', bytes(leafCount + 1)],
    ['raised', bytes(leafCount)],
  ]
}

/** Work that any thread may do a part of: over the moving points, or over the overfull leaves. */
export interface AuctionStep {
  readonly kind: 'choose' | 'raise'
  readonly total: number
}

/** Let moving points [first, first + count) take their best leaf at the present prices. */
export function chooseSome(arena: Arena, auction: Auction, first: number, count: number): void {
  const { moving, leaves, scores, prices, length, leafOf } = auction
  arena.kernels.chooseLeaves(moving + first * 4, count, leaves, scores, prices, length, leafOf)
}

/**
 * Find the prices to which overfull leaves [first, first + count) must rise: by the surplus-th smallest margin of their
 * points, so that the step follows the data's own scale.
 */
export function raiseSome(arena: Arena, auction: Auction, first: number, count: number): void {
  const { moving, leaves, scores, prices, length, leafOf, leafCount } = auction
  const offsets = arena.u32(auction.offsets, leafCount + 1)
  const over = arena.u32(auction.over, leafCount)
  const capacities = arena.u32(auction.capacities, leafCount)
  const now = arena.f32(prices, leafCount)
  const raised = arena.f32(auction.raised, leafCount)
  for (let i = first; i < first + count; i++) {
    const start = offsets[i]!
    const load = offsets[i + 1]! - start
    const out = auction.margins + start * 4
    arena.kernels.margins(moving + start * 4, load, leaves, scores, prices, length, leafOf, out)
    const sorted = arena.f32(out, load).slice().sort()
    let step = sorted[load - capacities[over[i]!]! - 1]!
    if (step === Infinity) step = sorted.findLast((margin) => margin !== Infinity) ?? 0
    const price = now[over[i]!]!
    // The least step that turns a tie: f32 has 24 bits.
    raised[i] = price + step + Math.max(Math.abs(price) + step, Number.MIN_VALUE) * 2e-7
  }
}

/** Where a point goes whose list has no leaf with room. */
export interface Fallback {
  /** Scores of a point against every leaf [leafCount]. */
  readonly scoreAll: (point: number) => Float32Array
  /** A leaf that a point must not get even then. */
  readonly forbidden?: ((point: number, leaf: number) => boolean) | undefined
}

/**
 * Assigns each point to one leaf so that no leaf exceeds its capacity and the sum of scores is near its maximum.
 *
 * Every leaf has a price, and each point takes the leaf of the best score minus price. A leaf with too many points raises
 * its price until the surplus prefers another. Prices only rise, hence only the points of overfull leaves need another
 * look. The few points left over take the best leaf of their list that has room, those that lose most first, and any leaf
 * with room after that.
 * @see design of the auction algorithm, Bertsekas 1988; capacities as in the paper's Algorithm 1.
 */
export class Auctioneer {
  readonly #arena: Arena
  readonly #auction: Auction
  readonly #leafOf: Uint32Array
  readonly #moving: Uint32Array
  readonly #prices: Float32Array
  readonly #capacities: Uint32Array
  readonly #over: Uint32Array
  readonly #offsets: Uint32Array
  readonly #raised: Float32Array
  readonly #loads: Uint32Array
  readonly #place: Int32Array

  /** @param auction - lists and capacities in place, and the prices to start from. */
  constructor(arena: Arena, auction: Auction) {
    const { count, leafCount } = auction
    this.#arena = arena
    this.#auction = auction
    this.#leafOf = arena.u32(auction.leafOf, count)
    this.#moving = arena.u32(auction.moving, count)
    this.#prices = arena.f32(auction.prices, leafCount)
    this.#capacities = arena.u32(auction.capacities, leafCount)
    this.#over = arena.u32(auction.over, leafCount)
    this.#offsets = arena.u32(auction.offsets, leafCount + 1)
    this.#raised = arena.f32(auction.raised, leafCount)
    this.#loads = new Uint32Array(leafCount)
    this.#place = new Int32Array(leafCount)
  }

  /** The steps that raise prices until the surplus is small or the rounds are spent; each is done before the next. */
  *rounds(most = MAX_ROUNDS): Generator<AuctionStep, void> {
    const { count } = this.#auction
    for (let point = 0; point < count; point++) this.#moving[point] = point
    yield { kind: 'choose', total: count }
    for (let round = 0; round < most; round++) {
      const { overfull, surplus } = this.#overfull()
      if (surplus <= ENOUGH * count) return
      yield { kind: 'raise', total: overfull }
      let rises = round < 4
      for (let i = 0; i < overfull; i++) {
        const leaf = this.#over[i]!
        rises ||= this.#raised[i]! > this.#prices[leaf]! * (1 + 1e-6)
        this.#prices[leaf] = this.#raised[i]!
      }
      if (!rises) return
      yield { kind: 'choose', total: this.#offsets[overfull]! }
    }
  }

  /** Find the overfull leaves and gather their points; returns how many leaves and by how many points in all. */
  #overfull(): { overfull: number; surplus: number } {
    const loads = this.#loads.fill(0)
    const leafOf = this.#leafOf
    const place = this.#place
    for (let point = 0; point < leafOf.length; point++) if (leafOf[point] !== NO_LEAF) loads[leafOf[point]!]!++
    let overfull = 0
    let surplus = 0
    let total = 0
    const next: number[] = []
    this.#offsets[0] = 0
    for (let leaf = 0; leaf < loads.length; leaf++) {
      const excess = loads[leaf]! - this.#capacities[leaf]!
      place[leaf] = -1
      if (excess <= 0) continue
      surplus += excess
      place[leaf] = overfull
      next.push(total)
      total += loads[leaf]!
      this.#over[overfull++] = leaf
      this.#offsets[overfull] = total
    }
    if (overfull > 0) {
      for (let point = 0; point < leafOf.length; point++) {
        const i = leafOf[point] === NO_LEAF ? -1 : place[leafOf[point]!]!
        if (i >= 0) this.#moving[next[i]!++] = point
      }
    }
    return { overfull, surplus }
  }

  /** Move the points above capacity, those of least margin, and those without a leaf, to the best leaf with room. */
  repair(fallback: Fallback): void {
    const { overfull } = this.#overfull()
    const { moving, leaves, scores, prices, length, leafOf, margins } = this.#auction
    const released: { point: number; margin: number }[] = []
    this.#leafOf.forEach((leaf, point) => {
      if (leaf === NO_LEAF) released.push({ point, margin: Infinity })
    })
    for (let i = 0; i < overfull; i++) {
      const leaf = this.#over[i]!
      const [start, end] = [this.#offsets[i]!, this.#offsets[i + 1]!]
      const out = margins + start * 4
      this.#arena.kernels.margins(moving + start * 4, end - start, leaves, scores, prices, length, leafOf, out)
      const lost = this.#arena.f32(out, end - start)
      const members = Array.from(lost, (margin, j) => ({ point: this.#moving[start + j]!, margin }))
      members.sort((a, b) => compare(a.margin, b.margin) || a.point - b.point)
      released.push(...members.slice(0, end - start - this.#capacities[leaf]!))
      this.#loads[leaf] = this.#capacities[leaf]!
    }
    released.sort((a, b) => compare(b.margin, a.margin) || a.point - b.point)
    for (const { point } of released) {
      const leaf = this.#bestWithRoom(point, fallback)
      this.#leafOf[point] = leaf
      if (leaf !== NO_LEAF) this.#loads[leaf]!++
    }
  }

  #bestWithRoom(point: number, { scoreAll, forbidden }: Fallback): number {
    const { leaves, scores, length } = this.#auction
    const ids = leaves === 0 ? undefined : this.#arena.u32(leaves + point * length * 4, length)
    const listed = this.#arena.f32(scores + point * length * 4, length)
    const open = (leaf: number): boolean => this.#loads[leaf]! < this.#capacities[leaf]!
    let best = NO_LEAF
    let most = -Infinity
    for (let j = 0; j < length; j++) {
      const leaf = ids === undefined ? j : ids[j]!
      if (leaf === NO_LEAF) break
      if (open(leaf) && (best === NO_LEAF || listed[j]! > most)) {
        best = leaf
        most = listed[j]!
      }
    }
    if (best !== NO_LEAF) return best
    const all = scoreAll(point)
    const loads = this.#loads
    const capacities = this.#capacities
    for (let leaf = 0; leaf < all.length; leaf++) {
      if (best !== NO_LEAF && !(all[leaf]! > most)) continue
      if (loads[leaf]! < capacities[leaf]! && forbidden?.(point, leaf) !== true) {
        best = leaf
        most = all[leaf]!
      }
    }
    return best
  }
}

/** Order of two numbers that may both be infinite. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b
}

/** For each point, candidate leaves and scores, larger is better. */
export interface CandidateLists {
  /** [count * length] leaf numbers, a list ending early at `NO_LEAF`; undefined: each list is 0 .. length - 1. */
  readonly leaves: Uint32Array | undefined
  /** [count * length] */
  readonly scores: Float32Array
  readonly count: number
  readonly length: number
}

/** A balanced assignment for one thread to find. */
export interface BalanceRequest extends Fallback {
  readonly lists: CandidateLists
  /** [leafCount] points that each leaf may take; together at least `lists.count`. */
  readonly capacities: Uint32Array
}

/** Run an auction on this thread alone; returns the leaf of each point [count]. */
export function balance(arena: Arena, request: BalanceRequest): Uint32Array {
  const { lists, capacities } = request
  const { count, length, leaves, scores } = lists
  const shape = { count, length, leafCount: capacities.length, dense: leaves === undefined }
  const address = arena.allocate(auctionBytes(shape))
  try {
    const auction = layAuction(shape, address)
    if (leaves !== undefined) arena.u32(auction.leaves, leaves.length).set(leaves)
    arena.f32(auction.scores, scores.length).set(scores)
    arena.u32(auction.capacities, capacities.length).set(capacities)
    const auctioneer = new Auctioneer(arena, auction)
    for (const { kind, total } of auctioneer.rounds()) {
      if (kind === 'choose') chooseSome(arena, auction, 0, total)
      else raiseSome(arena, auction, 0, total)
    }
    auctioneer.repair(request)
    return arena.u32(auction.leafOf, count).slice()
  } finally {
    arena.free(address)
  }
}
