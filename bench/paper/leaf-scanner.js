// @ts-check
import { readVectors } from '../../build/index.js'

/** Metric codes of the kernels; rows and queries have unit length under cosine, where both agree. */
const METRICS = { l2: 0, ip: 1, cosine: 1 }
const TILE = 256

/** Leaves that a router puts in order for a query. @typedef {{ bytes: number, route: (query: number, probes: number) => Iterable<number> }} Router */

/** The rows of a set in an arena as f32, to be partitioned, and then scanned leaf by leaf with the library's own kernel. */
export class LeafScanner {
  /**
   * @param {import('../../build/kernels/memory.js').Arena} arena
   * @param {import('../harness/data.js').PreparedSet} set
   * @param {Float32Array} rows - [size * dim]
   * @param {number} k
   */
  constructor(arena, set, rows, k) {
    this.arena = arena
    this.set = set
    this.k = k
    this.metric = METRICS[set.metric]
    /** Floats from one row to the next. */
    this.width = (set.dim + 3) & ~3
    this.query = arena.allocate(((set.dim + 15) & ~15) * 4)
    this.points = arena.allocate(set.size * this.width * 4)
    const points = arena.f32(this.points, set.size * this.width)
    for (let i = 0; i < set.size; i++) points.set(rows.subarray(i * set.dim, (i + 1) * set.dim), i * this.width)
    this.order = arena.allocate(set.size * 4)
    this.heap = arena.allocate(arena.kernels.heapBytes(k))
    this.found = arena.allocate(k * 8)
    /** Where each leaf begins, and the end. @type {Uint32Array} */
    this.offsets = new Uint32Array(1)
    arena.u32(this.order, set.size).forEach((_, i, order) => (order[i] = i))
  }

  /** @param {import('../../build/kernels/memory.js').Arena} arena @param {import('../harness/data.js').PreparedSet} set @param {number} k */
  static async of(arena, set, k) {
    const { rows } = await readVectors(set.floats)
    return new LeafScanner(arena, set, /** @type {Float32Array} */ (rows), k)
  }

  /** The place of the best of `count` centroids for each row [first, first + rows). Bias: see `nearnessBias`. @param {{ centroids: number, bias: number, count: number, first: number, rows: number }} job */
  nearest({ centroids, bias, count, first, rows }) {
    const { arena, width, points } = this
    const { kernels } = arena
    const scores = arena.allocate(TILE * count * 4)
    const prices = arena.allocate(count * 4)
    const choice = arena.allocate(TILE * 4)
    const chosen = new Uint32Array(rows)
    for (let done = 0; done < rows; done += TILE) {
      const some = Math.min(TILE, rows - done)
      const from = points + (first + done) * width * 4
      kernels.dots(from, width * 4, some, centroids, width * 4, count, width, bias, 0, scores)
      kernels.chooseLeaves(0, some, 0, scores, prices, count, choice)
      chosen.set(arena.u32(choice, some), done)
    }
    for (const address of [scores, prices, choice]) arena.free(address)
    return chosen
  }

  /**
   * Put the rows of [first, first + leafOf.length) in the order of their leaves.
   * @param {Uint32Array} leafOf - by place. @param {number} leafCount @param {number} [first]
   * @returns {Uint32Array} [leafCount + 1]: where each leaf begins, counted from `first`.
   */
  arrange(leafOf, leafCount, first = 0) {
    const { arena, width } = this
    const offsets = new Uint32Array(leafCount + 1)
    for (const leaf of leafOf) offsets[leaf + 1] = (offsets[leaf + 1] ?? 0) + 1
    for (let leaf = 0; leaf < leafCount; leaf++) offsets[leaf + 1] = (offsets[leaf + 1] ?? 0) + (offsets[leaf] ?? 0)
    const next = offsets.slice()
    const points = arena.f32(this.points + first * width * 4, leafOf.length * width)
    const order = arena.u32(this.order + first * 4, leafOf.length)
    const [before, numbers] = [points.slice(), order.slice()]
    leafOf.forEach((leaf, i) => {
      const to = next[leaf] ?? 0
      next[leaf] = to + 1
      points.set(before.subarray(i * width, (i + 1) * width), to * width)
      order[to] = numbers[i] ?? 0
    })
    return offsets
  }

  /**
   * Search one query in so many leaves.
   * @param {Float32Array} query @param {Router} router @param {number} probes
   * @returns {{ candidates: number, ids: Uint32Array }}
   */
  search(query, router, probes) {
    const { arena, set, k, width, metric, heap, offsets } = this
    const { kernels } = arena
    arena.f32(this.query, set.dim).set(query)
    kernels.heapReset(heap, k)
    let candidates = 0
    for (const leaf of router.route(this.query, probes)) {
      const from = offsets[leaf] ?? 0
      const count = (offsets[leaf + 1] ?? 0) - from
      candidates += count
      kernels.scanRows(metric, 0, 0, this.query, set.dim, this.points, width * 4, from, count, 0, this.order, heap)
    }
    const count = kernels.heapSort(heap, this.found, this.found + k * 4)
    return { candidates, ids: arena.u32(this.found + k * 4, count) }
  }
}
