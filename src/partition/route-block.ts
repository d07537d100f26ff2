import { align64 } from '../base/align.js'
import { groupItems, type Groups } from '../base/groups.js'
import { sharedBuffer, sharedF32 } from '../base/shared.js'
import type { Arena } from '../kernels/memory.js'
import { NO_LEAF } from './balance.js'

/** Length of the longest row of a level in its units, as of `centredIntegers`, and lengths whose squares f32 holds. */
const LENGTH = 32_000
const SHORTEST = 1e-18
const LONGEST = 1e18
/** A bias is at most so far from the mean of its level, and a score from 0: all stay finite. */
const FARTHEST = 1e38

/** One level of a linear router: score of node n = row n . query + bias [n]. */
export interface FloatLevel {
  /** [nodes * width] */
  readonly rows: Float32Array
  /** [nodes] */
  readonly bias: Float32Array | Float64Array
}

/**
 * The same level in whole numbers, for queries less a centre: the score above is
 * `rows` row n . (query - centre) * `unit` + `bias` [n] + `middle` . query + `level`,
 * of which the last two are the same for all nodes, and no part of what nodes are compared by.
 */
export interface RouterLevel {
  /** [nodes * stride]: rows less the mean of all, zeros after `width`; shared. */
  readonly rows: Int16Array
  /** An f32. */
  readonly unit: number
  /** [nodes], shared. */
  readonly bias: Float32Array
  /** [width]: the mean of all rows. */
  readonly middle: Float32Array
  readonly level: number
}

/** The two levels that a block is routed by. */
export interface BlockRouter {
  /** The level above the leaves, all of it; nothing where the root is. */
  readonly nodes: RouterLevel | undefined
  readonly leaves: RouterLevel
  /** [width]: what is taken from queries. */
  readonly centre: Float32Array
  readonly width: number
}

/**
 * The last two levels of a linear router in whole numbers. What is rounded away moves a score by some 2^-16 of the lengths
 * of the query and the longest row, both less their means.
 */
export function blockRouter(levels: readonly FloatLevel[], width: number): BlockRouter {
  const leaves = levels.at(-1)!
  const centre = meanRow(leaves.rows, width)
  const nodes = levels.length > 1 ? wholeNumbers(levels.at(-2)!, centre, width) : undefined
  return { nodes, leaves: wholeNumbers(leaves, centre, width), centre, width }
}

/** A router that ranks leaves by the closeness of their centroids, and nodes likewise. */
export function nearnessRouter(levels: readonly Float32Array[], width: number): BlockRouter {
  const near = levels.slice(-2).map((rows): FloatLevel => {
    const bias = new Float64Array(rows.length / width)
    for (let n = 0; n < bias.length; n++) {
      for (let i = n * width; i < (n + 1) * width; i++) bias[n]! -= (rows[i]! * rows[i]!) / 2
    }
    return { rows, bias }
  })
  return blockRouter(near, width)
}

/** Components of rows and queries in whole numbers. */
function strideOf(width: number): number {
  return (width + 7) & ~7
}

function bounded(value: number): number {
  return Math.min(FARTHEST, Math.max(-FARTHEST, value))
}

function meanRow(rows: Float32Array, width: number): Float32Array {
  const sums = new Float64Array(width)
  for (let i = 0; i < rows.length; i += width) for (let j = 0; j < width; j++) sums[j]! += rows[i + j]!
  return Float32Array.from(sums, (sum) => (sum * width) / rows.length)
}

function wholeNumbers({ rows, bias }: FloatLevel, centre: Float32Array, width: number): RouterLevel {
  const middle = meanRow(rows, width)
  const count = bias.length
  const whole = Float64Array.from(bias)
  let longest = 0
  for (let n = 0; n < count; n++) {
    let square = 0
    for (let j = 0; j < width; j++) {
      const value = rows[n * width + j]! - middle[j]!
      square += value * value
      whole[n]! += value * centre[j]!
    }
    longest = Math.max(longest, square)
  }
  const unit = longest > SHORTEST ** 2 && longest < LONGEST ** 2 ? Math.fround(Math.sqrt(longest) / LENGTH) : 0
  const stride = strideOf(width)
  const integers = new Int16Array(sharedBuffer(count * stride * 2))
  for (let n = 0; n < count && unit > 0; n++) {
    for (let j = 0; j < width; j++) integers[n * stride + j] = Math.round((rows[n * width + j]! - middle[j]!) / unit)
  }
  // What all nodes have in common would cost the differences of their scores the last bits of f32.
  const level = whole.reduce((sum, value) => sum + value, 0) / count
  const rest = sharedF32(count)
  for (let n = 0; n < count; n++) rest[n] = bounded(whole[n]! - level)
  return { rows: integers, unit, bias: rest, middle, level }
}

/**
 * Routes a block of queries at once through a linear router: each keeps some nodes of the level above the leaves, then
 * every node's leaves are scored for all queries that keep it, two queries by four leaves at a time.
 * ```
 * scores   | query 0: leaves of its node 0 | leaves of its node 1 | ... | query 1: ...     `beam * arity` a query
 * nodes    | query 0: its nodes | query 1: ...                                             `beam` a query
 * ```
 */
export class RouteBlock {
  readonly #arena: Arena
  readonly #router: BlockRouter
  readonly #arity: number
  readonly #beam: number
  readonly #wanted: number
  readonly #stride: number
  readonly #base: number
  readonly #at: Record<PartName, number>
  #count = 0

  /**
   * @param most - queries in a block.
   * @param beam - nodes that each keeps.
   * @param wanted - leaves that `visitors` or `shorten` is asked for.
   */
  constructor(arena: Arena, router: BlockRouter, most: number, beam: number, wanted: number) {
    const leafCount = router.leaves.bias.length
    const nodeCount = router.nodes?.bias.length ?? 1
    this.#arena = arena
    this.#router = router
    this.#arity = leafCount / nodeCount
    this.#beam = Math.min(beam, nodeCount)
    this.#wanted = wanted
    const listed = Math.ceil(wanted * 1.1)
    const rows = Math.max(nodeCount, this.#arity)
    this.#stride = strideOf(router.width)
    const floats: [PartName, number][] = [
      ['queries', most * router.width],
      ['centre', router.width],
      ['integers', (most * this.#stride) / 2],
      ['units', most],
      ['entries', most * this.#beam],
      ['rows', (rows * this.#stride) / 2],
      ['bias', rows],
      ['scratch', 8],
      ['all', router.nodes === undefined ? 0 : most * nodeCount],
      ['nodes', most * this.#beam],
      ['nodeScores', most * this.#beam],
      ['scores', most * this.looked],
      ['short', most * listed],
      ['shortScores', most * listed],
    ]
    const bytes = (count: number): number => align64(count * 4)
    this.#base = arena.allocate(floats.reduce((sum, [, count]) => sum + bytes(count), 0))
    let at = this.#base
    this.#at = Object.fromEntries(
      floats.map(([name, count]) => {
        at += bytes(count)
        return [name, at - bytes(count)]
      }),
    ) as Record<PartName, number>
    arena.f32(this.#at.centre, router.width).set(router.centre)
  }

  close(): void {
    this.#arena.free(this.#base)
  }

  /** Leaves that are scored for each query. */
  get looked(): number {
    return this.#beam * this.#arity
  }

  /** Address for the queries of a block, f32 [most * width]. */
  get queries(): number {
    return this.#at.queries
  }

  /** Route the first `count` queries. */
  route(count: number): void {
    const { width, nodes } = this.#router
    const { queries, centre, integers, units, entries, nodes: chosen, nodeScores, all } = this.#at
    const { kernels } = this.#arena
    this.#count = count
    kernels.centredIntegers(queries, width * 4, count, width, centre, integers, this.#stride * 2, units)
    const kept = this.#arena.u32(chosen, count * this.#beam)
    if (nodes === undefined) kept.fill(0)
    else {
      const nodeCount = nodes.bias.length
      const places = this.#arena.u32(entries, count)
      for (let i = 0; i < count; i++) places[i] = i
      this.#multiply(nodes, { first: 0, nodeCount, entries, count, beam: 1, out: all })
      kernels.shortenLists(all, count, nodeCount, 0, this.#beam, this.#beam, chosen, nodeScores)
    }
    this.#scoreLeaves(groupItems(kept, nodes?.bias.length ?? 1))
  }

  /** Route queries f32 [count * width]. */
  load(queries: Float32Array): void {
    this.#arena.f32(this.#at.queries, queries.length).set(queries)
    this.route(queries.length / this.#router.width)
  }

  /** Scores of some queries for some nodes of a level, each query's where it has its place: see `scaledDots`. */
  #multiply(level: RouterLevel, { first, nodeCount, entries, count, beam, out }: Grid): void {
    const stride = this.#stride
    const { integers, units, rows, bias, scratch } = this.#at
    const own = level.rows.subarray(first * stride, (first + nodeCount) * stride)
    this.#arena.i16(rows, own.length).set(own)
    this.#arena.f32(bias, nodeCount).set(level.bias.subarray(first, first + nodeCount))
    this.#arena.kernels.scaledDots(
      integers,
      units,
      level.unit,
      entries,
      count,
      beam,
      rows,
      stride * 2,
      nodeCount,
      this.#router.width,
      bias,
      out,
      scratch,
    )
  }

  /** Score every node's leaves for the queries that keep it. */
  #scoreLeaves({ offsets, items: entries }: Groups): void {
    const nodeCount = this.#arity
    const beam = this.#beam
    const { scores } = this.#at
    this.#arena.u32(this.#at.entries, entries.length).set(entries)
    for (let node = 0; node + 1 < offsets.length; node++) {
      const count = offsets[node + 1]! - offsets[node]!
      if (count === 0) continue
      const own = this.#at.entries + offsets[node]! * 4
      this.#multiply(this.#router.leaves, {
        first: node * nodeCount,
        nodeCount,
        entries: own,
        count,
        beam,
        out: scores,
      })
    }
  }

  /**
   * The best leaves of every query with their scores, in no order: views [count * length], ended by `NO_LEAF`, until the
   * next call.
   * @param least - leaves of each that are wanted; `length` that there may be.
   */
  shorten(least: number, length: number): { leaves: Uint32Array; scores: Float32Array } {
    const arity = this.#arity
    const { looked } = this
    const { scores, short, shortScores } = this.#at
    const { kernels } = this.#arena
    kernels.shortenLists(scores, this.#count, looked, 0, Math.min(least, length), length, short, shortScores)
    const leaves = this.#arena.u32(short, this.#count * length)
    const own = this.#arena.f32(shortScores, leaves.length)
    const nodes = this.#arena.u32(this.#at.nodes, this.#count * this.#beam)
    for (let i = 0, at = 0; i < this.#count; i++) {
      const common = this.#common(i)
      for (const end = at + length; at < end; at++) {
        const place = leaves[at]!
        if (place === NO_LEAF) continue
        const slot = Math.floor(place / arity)
        leaves[at] = nodes[i * this.#beam + slot]! * arity + place - slot * arity
        own[at] = bounded(own[at]! + common)
      }
    }
    return { leaves, scores: own }
  }

  /** What the scores of all leaves for query i have in common. */
  #common(i: number): number {
    const { width, leaves } = this.#router
    const query = this.#arena.f32(this.#at.queries + i * width * 4, width)
    let sum = leaves.level
    for (let j = 0; j < width; j++) sum += leaves.middle[j]! * query[j]!
    return sum
  }

  /**
   * The best leaves of every query, a tenth more than wanted at the most.
   * @returns queries by leaf: those at [offsets[l], offsets[l + 1]) of `queries` want leaf l.
   */
  visitors(): { offsets: Uint32Array; queries: Uint32Array } {
    const length = Math.min(this.looked, Math.ceil(this.#wanted * 1.1))
    const { leaves } = this.shorten(this.#wanted, length)
    const { offsets, items: entries } = groupItems(leaves, this.#router.leaves.bias.length)
    return { offsets, queries: entries.map((entry) => Math.floor(entry / length)) }
  }

  /** How many of the leaves scored for query i are better than a leaf. */
  rank(i: number, leaf: number): number {
    const { looked } = this
    return this.#arena.kernels.countAbove(this.#at.scores + i * looked * 4, looked, this.#score(i, leaf))
  }

  /** Score of any leaf for query i: what it is in the grid, or, to the bit, would be. */
  #score(i: number, leaf: number): number {
    const node = Math.floor(leaf / this.#arity)
    const slot = this.#arena.u32(this.#at.nodes + i * this.#beam * 4, this.#beam).indexOf(node)
    if (slot >= 0) {
      const place = i * this.looked + slot * this.#arity + leaf - node * this.#arity
      return this.#arena.f32(this.#at.scores + place * 4, 1)[0]!
    }
    const stride = this.#stride
    const { rows, bias, unit } = this.#router.leaves
    const query = this.#arena.i16(this.#at.integers + i * stride * 2, stride)
    let sum = 0
    for (let j = 0; j < stride; j++) sum += query[j]! * rows[leaf * stride + j]!
    const units = Math.fround(this.#arena.f32(this.#at.units, this.#count)[i]! * unit)
    return Math.fround(Math.fround(Math.fround(sum) * units) + bias[leaf]!)
  }
}

/** What `#multiply` scores. */
interface Grid {
  readonly first: number
  readonly nodeCount: number
  /** Address of u32 [count]. */
  readonly entries: number
  readonly count: number
  readonly beam: number
  readonly out: number
}

type PartName =
  | 'queries'
  | 'centre'
  | 'integers'
  | 'units'
  | 'entries'
  | 'rows'
  | 'bias'
  | 'scratch'
  | 'all'
  | 'nodes'
  | 'nodeScores'
  | 'scores'
  | 'short'
  | 'shortScores'
