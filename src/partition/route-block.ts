import { align64 } from '../base/align.js'
import type { Arena } from '../kernels/memory.js'
import { NO_LEAF } from './balance.js'
import { nearnessBias } from './kmeans.js'

/** Queries of one node scored by one call. */
const BLOCK = 128

/** One level of a linear router: score of node n = row n . query + bias [n]. */
export interface RouterLevel {
  /** f32 [nodes * width] */
  readonly rows: Float32Array
  /** f32 [nodes] */
  readonly bias: Float32Array
}

/** The two levels that a block is routed by. */
export interface BlockRouter {
  /** The level above the leaves, all of it; nothing where the root is. */
  readonly nodes: RouterLevel | undefined
  readonly leaves: RouterLevel
  readonly width: number
}

/** A router that ranks leaves by the closeness of their centroids, and nodes likewise. */
export function nearnessRouter(levels: readonly Float32Array[], width: number): BlockRouter {
  const level = (rows: Float32Array): RouterLevel => ({ rows, bias: nearnessBias(rows, width) })
  const nodes = levels.length > 1 ? level(levels.at(-2)!) : undefined
  return { nodes, leaves: level(levels.at(-1)!), width }
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
    const floats: [PartName, number][] = [
      ['queries', most * router.width],
      ['some', BLOCK * router.width],
      ['rows', rows * router.width],
      ['bias', rows],
      ['part', Math.max(most * nodeCount, BLOCK * this.#arity)],
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
    const { nodes } = this.#router
    this.#count = count
    const kept = this.#arena.u32(this.#at.nodes, this.#count * this.#beam)
    if (nodes === undefined) kept.fill(0)
    else {
      const count = nodes.bias.length
      this.#multiply(this.#at.queries, this.#count, nodes, 0, count)
      const { part, nodeScores } = this.#at
      this.#arena.kernels.shortenLists(part, this.#count, count, 0, this.#beam, this.#beam, this.#at.nodes, nodeScores)
    }
    this.#scoreLeaves(invert(kept, nodes?.bias.length ?? 1))
  }

  /** Route queries f32 [count * width]. */
  load(queries: Float32Array): void {
    this.#arena.f32(this.#at.queries, queries.length).set(queries)
    this.route(queries.length / this.#router.width)
  }

  /** Scores of queries at an address against nodes [first, first + count) of a level, into `part`. */
  #multiply(queries: number, some: number, level: RouterLevel, first: number, count: number): void {
    const { width } = this.#router
    const { rows, bias, part } = this.#at
    this.#arena.f32(rows, count * width).set(level.rows.subarray(first * width, (first + count) * width))
    this.#arena.f32(bias, count).set(level.bias.subarray(first, first + count))
    this.#arena.kernels.dots(queries, width * 4, some, rows, width * 4, count, width, bias, 0, part)
  }

  /** Score every node's leaves for the queries that keep it. */
  #scoreLeaves({ offsets, entries }: Inverted): void {
    const { width, leaves } = this.#router
    const arity = this.#arity
    const beam = this.#beam
    const grid = this.#arena.f32(this.#at.scores, this.#count * beam * arity)
    const queries = this.#arena.f32(this.#at.queries, this.#count * width)
    const block = this.#arena.f32(this.#at.some, BLOCK * width)
    const part = this.#arena.f32(this.#at.part, BLOCK * arity)
    // A list of nodes ends early where scores are beyond f32: what the block before left there counts for nothing.
    if (this.#arena.u32(this.#at.nodes, this.#count * beam).includes(NO_LEAF)) grid.fill(-Infinity)
    for (let node = 0; node + 1 < offsets.length; node++) {
      const end = offsets[node + 1]!
      for (let done = offsets[node]!; done < end; done += BLOCK) {
        const some = Math.min(BLOCK, end - done)
        for (let i = 0; i < some; i++) {
          const query = Math.floor(entries[done + i]! / beam) * width
          block.set(queries.subarray(query, query + width), i * width)
        }
        this.#multiply(this.#at.some, some, leaves, node * arity, arity)
        for (let i = 0; i < some; i++) grid.set(part.subarray(i * arity, (i + 1) * arity), entries[done + i]! * arity)
      }
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
    const nodes = this.#arena.u32(this.#at.nodes, this.#count * this.#beam)
    for (let i = 0, at = 0; i < this.#count; i++) {
      for (const end = at + length; at < end; at++) {
        const place = leaves[at]!
        if (place >= looked) continue
        const slot = Math.floor(place / arity)
        const node = nodes[i * this.#beam + slot]!
        leaves[at] = node === NO_LEAF ? NO_LEAF : node * arity + place - slot * arity
      }
    }
    return { leaves, scores: this.#arena.f32(shortScores, this.#count * length) }
  }

  /**
   * The best leaves of every query, a tenth more than wanted at the most.
   * @returns queries by leaf: those at [offsets[l], offsets[l + 1]) of `queries` want leaf l.
   */
  visitors(): { offsets: Uint32Array; queries: Uint32Array } {
    const length = Math.min(this.looked, Math.ceil(this.#wanted * 1.1))
    const { leaves } = this.shorten(this.#wanted, length)
    const { offsets, entries } = invert(leaves, this.#router.leaves.bias.length)
    return { offsets, queries: entries.map((entry) => Math.floor(entry / length)) }
  }

  /** How many of the leaves scored for query i are better than a leaf. */
  rank(i: number, leaf: number): number {
    const { looked } = this
    return this.#arena.kernels.countAbove(this.#at.scores + i * looked * 4, looked, this.#score(i, leaf))
  }

  /** Score of any leaf for query i: to the bit that of the grid, where it is in it. */
  #score(i: number, leaf: number): number {
    const { width, leaves } = this.#router
    const arity = this.#arity
    const node = Math.floor(leaf / arity)
    const slot = this.#arena.u32(this.#at.nodes + i * this.#beam * 4, this.#beam).indexOf(node)
    if (slot >= 0) {
      const at = (i * this.looked + slot * arity + leaf - node * arity) * 4
      return this.#arena.f32(this.#at.scores + at, 1)[0]!
    }
    const query = this.#arena.f32(this.#at.queries + i * width * 4, width)
    let sum = leaves.bias[leaf]!
    for (let j = 0; j < width; j++) sum += query[j]! * leaves.rows[leaf * width + j]!
    return sum
  }
}

type PartName =
  'queries' | 'some' | 'rows' | 'bias' | 'part' | 'nodes' | 'nodeScores' | 'scores' | 'short' | 'shortScores'

/** Entries of lists by what they name: [offsets[v], offsets[v + 1]) of `entries` are the places that hold v. */
interface Inverted {
  readonly offsets: Uint32Array
  readonly entries: Uint32Array
}

/** Turn lists of values below `count` round; other values are passed over. */
function invert(lists: Uint32Array, count: number): Inverted {
  const offsets = new Uint32Array(count + 1)
  for (const value of lists) if (value < count) offsets[value + 1]!++
  for (let value = 0; value < count; value++) offsets[value + 1]! += offsets[value]!
  const next = offsets.slice()
  const entries = new Uint32Array(offsets[count]!)
  for (let i = 0; i < lists.length; i++) if (lists[i]! < count) entries[next[lists[i]!]!++] = i
  return { offsets, entries }
}
