import { align64 } from '../base/align.js'
import type { Arena } from '../kernels/memory.js'
import { nearnessBias } from './kmeans.js'
import type { Points } from './points.js'

/** Points scored at a time. */
const BLOCK = 128

/** Which leaves are worth a look for each group of points: those near the group's centre. */
export interface Vicinity {
  /** [groups * length] leaves near each group, ascending. */
  readonly leaves: Uint32Array
  readonly length: number
}

/** All leaves in an arena: what lies near a few centres or points. */
export class LeafTable {
  readonly #arena: Arena
  readonly #width: number
  readonly #leafCount: number
  readonly #base: number
  readonly #bias: number
  readonly #block: number
  readonly #scores: number

  constructor(arena: Arena, centroids: Float32Array, width: number) {
    this.#arena = arena
    this.#width = width
    this.#leafCount = centroids.length / width
    this.#base = arena.allocate(
      centroids.byteLength + this.#leafCount * 4 + BLOCK * (width + this.#leafCount) * 4 + 128,
    )
    this.#bias = this.#base + centroids.byteLength
    this.#block = align64(this.#bias + this.#leafCount * 4)
    this.#scores = align64(this.#block + BLOCK * width * 4)
    arena.f32(this.#base, centroids.length).set(centroids)
    arena.f32(this.#bias, this.#leafCount).set(nearnessBias(centroids, width))
  }

  close(): void {
    this.#arena.free(this.#base)
  }

  /** Scores of `count` points of the block against every leaf: address of f32 [count * leafCount]. */
  #score(count: number): number {
    const bytes = this.#width * 4
    const { kernels } = this.#arena
    const [block, scores] = [this.#block, this.#scores]
    kernels.dots(block, bytes, count, this.#base, bytes, this.#leafCount, this.#width, this.#bias, 0, scores)
    return scores
  }

  /**
   * The `length` leaves nearest to centres [first, first + count), ascending: ties of what is scored against them go to
   * the lower leaf, and neighbours in the tree are copied together.
   * @param out - [centres * length], filled from centre `first` on.
   */
  vicinities(centres: Float32Array, first: number, count: number, length: number, out: Uint32Array): void {
    const arena = this.#arena
    const width = this.#width
    const leafCount = this.#leafCount
    const chosen = arena.allocate(align64(length * 4) * 2 + arena.kernels.selectBytes(leafCount, length))
    const best = chosen + align64(length * 4)
    for (let done = first; done < first + count; done += BLOCK) {
      const some = Math.min(BLOCK, first + count - done)
      arena.f32(this.#block, some * width).set(centres.subarray(done * width, (done + some) * width))
      const scores = this.#score(some)
      for (let i = 0; i < some; i++) {
        const own = scores + i * leafCount * 4
        arena.kernels.selectBest(own, leafCount, length, best + align64(length * 4), chosen, best)
        out.set(arena.u32(chosen, length), (done + i) * length)
      }
    }
    arena.free(chosen)
  }

  /** Scores of one point against every leaf [leafCount], until the next call. */
  scoreAll(points: Points, position: number): Float32Array {
    points.range(position, 1, this.#block)
    return this.#arena.f32(this.#score(1), this.#leafCount)
  }
}

/** Scores points against the leaves of their group's vicinity. Larger is nearer: x.c - |c|^2 / 2. */
export class LeafScorer {
  readonly #arena: Arena
  readonly #centroids: Float32Array
  readonly #bias: Float32Array
  readonly #width: number
  readonly #length: number
  readonly #base: number
  readonly #ids: number
  readonly #biasAt: number
  readonly #leaves: number
  readonly #points: number
  readonly #scores: number
  readonly #short: number

  /** @param length - leaves in a vicinity. */
  constructor(arena: Arena, centroids: Float32Array, width: number, length: number) {
    this.#arena = arena
    this.#centroids = centroids
    this.#bias = nearnessBias(centroids, width)
    this.#width = width
    this.#length = length
    this.#base = arena.allocate(length * (width + 2) * 4 + BLOCK * (width + length + 1) * 4 + 6 * 64)
    this.#ids = this.#base
    this.#biasAt = align64(this.#ids + length * 4)
    this.#leaves = align64(this.#biasAt + length * 4)
    this.#points = align64(this.#leaves + length * width * 4)
    this.#scores = align64(this.#points + BLOCK * width * 4)
    this.#short = align64(this.#scores + BLOCK * length * 4)
  }

  close(): void {
    this.#arena.free(this.#base)
  }

  /** Take in a vicinity [length], ascending. */
  enter(leaves: Uint32Array): void {
    const width = this.#width
    const to = this.#arena.f32(this.#leaves, this.#length * width)
    const bias = this.#arena.f32(this.#biasAt, this.#length)
    this.#arena.u32(this.#ids, this.#length).set(leaves)
    for (let i = 0; i < leaves.length;) {
      let run = 1
      while (i + run < leaves.length && leaves[i + run] === leaves[i]! + run) run++
      to.set(this.#centroids.subarray(leaves[i]! * width, (leaves[i]! + run) * width), i * width)
      for (let j = i; j < i + run; j++) bias[j] = this.#bias[leaves[j]!]!
      i += run
    }
  }

  /** Score the points at `positions`, block by block: `use` gets the number of the first one, how many, and their address. */
  #score(points: Points, positions: Uint32Array, use: (done: number, some: number) => void): void {
    const width = this.#width
    for (let done = 0; done < positions.length; done += BLOCK) {
      const some = Math.min(BLOCK, positions.length - done)
      points.gather(positions.subarray(done, done + some), this.#points)
      this.#arena.kernels.dots(
        this.#points,
        width * 4,
        some,
        this.#leaves,
        width * 4,
        this.#length,
        width,
        this.#biasAt,
        0,
        this.#scores,
      )
      use(done, some)
    }
  }

  /** The nearest leaf of each of some points: out [size] by position. */
  nearest(points: Points, positions: Uint32Array, out: Uint32Array): void {
    const { kernels } = this.#arena
    const ids = this.#arena.u32(this.#ids, this.#length)
    const choice = this.#short
    const prices = choice + BLOCK * 4
    this.#arena.f32(prices, this.#length).fill(0)
    this.#score(points, positions, (done, some) => {
      kernels.chooseLeaves(0, some, 0, this.#scores, prices, this.#length, choice)
      const chosen = this.#arena.u32(choice, some)
      for (let i = 0; i < some; i++) out[positions[done + i]!] = ids[chosen[i]!]!
    })
  }
}
