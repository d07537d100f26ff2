import type { Arena } from '../kernels/memory.js'
import type { TreeShape } from '../tree/shape.js'
import { NO_LEAF } from './balance.js'
import { nearnessBias } from './kmeans.js'
import type { Points } from './points.js'

/** Points scored against the upper nodes at a time. */
const BLOCK = 128
/** Leaves looked at for each one kept in a list, and at the least. */
const WIDER = 16
const LEAST_LOOKED_AT = 512

/** Leaf centroids and the tree above them, loaded into a thread's arena to find the leaves near a point. */
export class LeafFinder {
  readonly #arena: Arena
  readonly #shape: TreeShape
  readonly #width: number
  readonly #base: number
  readonly #leaves: number
  readonly #leafBias: number
  readonly #nodes: number
  readonly #nodeBias: number
  readonly #nodeCount: number
  readonly #scratch: number
  readonly #points: number

  /** @param levels - centroids of each level's nodes, as `Grouping` gives them. */
  constructor(arena: Arena, levels: readonly Float32Array[], shape: TreeShape, width: number) {
    const leafCount = shape.leafCount
    // The level above the leaves is scored whole; its best nodes' leaves are candidates.
    const nodes = shape.arities.length > 1 ? levels.at(-2)! : new Float32Array(0)
    this.#arena = arena
    this.#shape = shape
    this.#width = width
    this.#nodeCount = nodes.length / width
    const select = arena.kernels.selectBytes(leafCount, leafCount)
    this.#base = arena.allocate(
      leafCount * (width + 1) * 4 +
        this.#nodeCount * (width + 1 + BLOCK) * 4 +
        BLOCK * width * 4 +
        leafCount * 20 +
        select +
        256,
    )
    this.#leaves = this.#base
    this.#leafBias = this.#leaves + leafCount * width * 4
    this.#nodes = align(this.#leafBias + leafCount * 4)
    this.#nodeBias = this.#nodes + nodes.length * 4
    this.#points = align(this.#nodeBias + this.#nodeCount * 4)
    this.#scratch = this.#points + BLOCK * width * 4
    arena.f32(this.#leaves, leafCount * width).set(levels.at(-1)!)
    arena.f32(this.#leafBias, leafCount).set(nearnessBias(levels.at(-1)!, width))
    arena.f32(this.#nodes, nodes.length).set(nodes)
    arena.f32(this.#nodeBias, this.#nodeCount).set(nearnessBias(nodes, width))
  }

  close(): void {
    this.#arena.free(this.#base)
  }

  /**
   * The `length` best leaves of rows [first, first + count), by closeness of the centroid.
   * @param leaves - [count * length] filled from 0 on, best first, ended by `NO_LEAF` when short.
   * @param scores - their x.c - |c|^2 / 2: larger is nearer, and |x - c|^2 = |x|^2 - 2 score.
   */
  find(points: Points, first: number, count: number, length: number, leaves: Uint32Array, scores: Float32Array): void {
    for (let done = 0; done < count; done += BLOCK) {
      const some = Math.min(BLOCK, count - done)
      points.range(first + done, some, this.#points)
      this.#findBlock(some, length, leaves.subarray(done * length), scores.subarray(done * length))
    }
  }

  #findBlock(count: number, length: number, leaves: Uint32Array, scores: Float32Array): void {
    const arena = this.#arena
    const { kernels } = arena
    const width = this.#width
    const arity = this.#shape.arities.at(-1)!
    const kept =
      this.#nodeCount === 0
        ? 1
        : Math.min(this.#nodeCount, Math.ceil(Math.max(length * WIDER, LEAST_LOOKED_AT) / arity) + 1)
    const grid = this.#scratch
    const leafBytes = this.#shape.leafCount * 4
    const parents = grid + leafBytes + BLOCK * this.#nodeCount * 4
    const chosen = parents + leafBytes
    const best = chosen + leafBytes
    const out = best + leafBytes
    const select = align(out + leafBytes)
    const nodeScores = grid + leafBytes
    if (this.#nodeCount > 0) {
      kernels.dots(
        this.#points,
        width * 4,
        count,
        this.#nodes,
        width * 4,
        this.#nodeCount,
        width,
        this.#nodeBias,
        0,
        nodeScores,
      )
    }
    for (let i = 0; i < count; i++) {
      let parentCount = 1
      if (this.#nodeCount > 0) {
        parentCount = kernels.selectBest(
          nodeScores + i * this.#nodeCount * 4,
          this.#nodeCount,
          kept,
          select,
          parents,
          best,
        )
        arena.u32(parents, parentCount).sort()
      } else arena.u32(parents, 1)[0] = 0
      const point = this.#points + i * width * 4
      kernels.scoreChildren(point, width, this.#leaves, width * 4, this.#leafBias, parents, parentCount, arity, grid)
      const found = kernels.selectBest(grid, parentCount * arity, length, select, chosen, best)
      kernels.expandChildren(parents, parentCount, arity, chosen, found, out)
      leaves.set(arena.u32(out, found), i * length)
      scores.set(arena.f32(best, found), i * length)
      if (found < length) leaves.fill(NO_LEAF, i * length + found, (i + 1) * length)
    }
  }

  /** Scores of one row against every leaf [leafCount]. */
  scoreAll(points: Points, row: number): Float32Array {
    const width = this.#width
    const { leafCount } = this.#shape
    points.range(row, 1, this.#points)
    this.#arena.kernels.dots(
      this.#points,
      width * 4,
      1,
      this.#leaves,
      width * 4,
      leafCount,
      width,
      this.#leafBias,
      0,
      this.#scratch,
    )
    return this.#arena.f32(this.#scratch, leafCount).slice()
  }
}

function align(address: number): number {
  return (address + 63) & ~63
}
