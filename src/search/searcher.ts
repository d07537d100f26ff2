import type { Arena } from '../kernels/memory.js'
import type { Snapshot } from '../tree/snapshot.js'
import { METRIC_CODE, QueryBuffer, TYPE_CODE } from './query.js'
import { RouteModel } from './route.js'

/** Rows scanned by one kernel call: a few milliseconds at most, so that a long scan can be left between calls. */
const SCAN_BLOCK = 65_536

/** What a query costs: leaves a tree visits and nodes it keeps on the way; no probes means every row, exactly. */
export interface SearchEffort {
  readonly probes: number
  readonly beamWidth: number
}

/** Every row, exactly. */
export const EXACT: SearchEffort = Object.freeze({ probes: 0, beamWidth: 0 })

/**
 * Searches one index on one thread: beam from the root to the leaves, exact distances over the leaves' rows, best k.
 * It owns a scratch in the index's arena, and allocates nothing per query in the steady state.
 */
export class Searcher {
  readonly #arena: Arena
  readonly #snapshot: Snapshot
  readonly #query: QueryBuffer
  readonly #models: RouteModel[]
  readonly #scratch: number
  readonly #seen: number
  readonly #entries: readonly number[]
  readonly #visited: number[] = []
  #heap = 0
  #heapCapacity = 0
  /** Entries of visited leaves in the last search, copies counted each time; all rows in an exact one. */
  candidates = 0
  /** Nodes scored by the last search. */
  nodesScored = 0

  constructor(arena: Arena, snapshot: Snapshot) {
    this.#arena = arena
    this.#snapshot = snapshot
    const { dim, shape, router, size } = snapshot
    const queryBytes = QueryBuffer.scratchBytes(dim)
    const seenBytes = snapshot.tree.length > 0 ? (Math.ceil(size / 8) + 63) & ~63 : 0
    const routeBytes =
      snapshot.tree.length > 0 ? RouteModel.scratchBytes(arena.kernels, { kind: router, shape, dim }) : 0
    this.#scratch = arena.allocate(queryBytes + seenBytes + routeBytes)
    this.#query = new QueryBuffer(arena, snapshot, this.#scratch)
    this.#seen = this.#scratch + queryBytes
    const model = { kind: router, shape, dim }
    this.#models = snapshot.tree.map(
      (tree) => new RouteModel(arena, model, tree.router.byteOffset, this.#seen + seenBytes),
    )
    this.#entries = snapshot.tree.map((tree) => tree.entries.byteOffset)
  }

  /** Give the scratch back. */
  close(): void {
    this.#arena.free(this.#scratch)
    if (this.#heapCapacity > 0) this.#arena.free(this.#heap)
    this.#heapCapacity = 0
  }

  /** Distance of the last query to the row at a position, with the same bits as in a search. */
  distance(position: number): number {
    const { dim, rowType, metric, rows, stride, scales } = this.#snapshot
    const { address, kind } = this.#query
    this.#reserve(1)
    const scale = scales.length > 0 ? scales.byteOffset + position * 4 : 0
    const row = rows.byteOffset + position * stride
    this.#arena.kernels.distances(
      METRIC_CODE[metric],
      TYPE_CODE[rowType],
      kind,
      address,
      dim,
      row,
      stride,
      1,
      scale,
      this.#heap,
    )
    return this.#arena.f32(this.#heap, 1)[0]!
  }

  /** The heap, and behind it room for its sorted distances and ids. */
  #reserve(k: number): void {
    const { kernels } = this.#arena
    if (k > this.#heapCapacity) {
      if (this.#heapCapacity > 0) this.#arena.free(this.#heap)
      this.#heapCapacity = 0
      this.#heap = this.#arena.allocate(heapSpace(kernels.heapBytes(k)) + 2 * heapSpace(k * 4))
      this.#heapCapacity = k
    }
    kernels.heapReset(this.#heap, k)
  }

  /**
   * The `k` nearest stored rows.
   * @param k - at most the index's size.
   * @param ids - row numbers, nearest first, ties by lower number: filled from `at` on.
   * @param distances - their distances, the same way.
   * @returns how many there are: k.
   */
  search(
    query: ArrayLike<number>,
    k: number,
    effort: SearchEffort,
    ids: Uint32Array,
    distances: Float32Array,
    at = 0,
  ): number {
    this.#query.load(query)
    this.#reserve(k)
    this.candidates = 0
    this.nodesScored = 0
    if (effort.probes === 0 || this.#models.length === 0) this.#scanAll()
    else this.#scanLeaves(k, effort)
    return this.#take(ids, distances, at)
  }

  #take(ids: Uint32Array, distances: Float32Array, at: number): number {
    const arena = this.#arena
    const sorted = this.#heap + heapSpace(arena.kernels.heapBytes(this.#heapCapacity))
    const numbers = sorted + heapSpace(this.#heapCapacity * 4)
    const count = arena.kernels.heapSort(this.#heap, sorted, numbers)
    distances.set(arena.f32(sorted, count), at)
    ids.set(arena.u32(numbers, count), at)
    return count
  }

  #scanAll(): void {
    const { size, dim, rowType, metric, rows, stride, scales, order } = this.#snapshot
    const scaleAddress = scales.length > 0 ? scales.byteOffset : 0
    const orderAddress = order.length > 0 ? order.byteOffset : 0
    const { address, kind } = this.#query
    const { kernels } = this.#arena
    for (let first = 0; first < size; first += SCAN_BLOCK) {
      const count = Math.min(SCAN_BLOCK, size - first)
      kernels.scanRows(
        METRIC_CODE[metric],
        TYPE_CODE[rowType],
        kind,
        address,
        dim,
        rows.byteOffset,
        stride,
        first,
        count,
        scaleAddress,
        orderAddress,
        this.#heap,
      )
    }
    this.candidates = size
  }

  /** Visit the probed leaves of every tree; go on past them while fewer than k rows were found. */
  #scanLeaves(k: number, effort: SearchEffort): void {
    const { leafCount } = this.#snapshot.shape
    let { probes, beamWidth } = effort
    for (;;) {
      this.#visit(Math.min(probes, leafCount), beamWidth)
      if (this.#arena.u32(this.#heap, 1)[0]! >= k || probes >= leafCount) return
      probes *= 2
      beamWidth = leafCount
      this.#arena.kernels.heapReset(this.#heap, k)
    }
  }

  #visit(probes: number, beamWidth: number): void {
    const { dim, rowType, metric, rows, stride, scales, order, tree } = this.#snapshot
    const { kernels } = this.#arena
    const { address, kind, routing } = this.#query
    const scaleAddress = scales.length > 0 ? scales.byteOffset : 0
    // One tree without copies meets every row once: only then is the bitmap of rows seen not needed.
    const single = tree.length === 1 && tree[0]!.entries.length === this.#snapshot.size
    const seen = single ? 0 : this.#seen
    for (let t = 0; t < tree.length; t++) {
      const model = this.#models[t]!
      const { leafOffsets } = tree[t]!
      const count = model.route(routing, probes, beamWidth)
      this.nodesScored += model.nodesScored
      const leaves = this.#arena.u32(model.leaves, count)
      this.#visited[t] = count
      for (let i = 0; i < count; i++) {
        const leaf = leaves[i]!
        const first = leafOffsets[leaf]!
        const size = leafOffsets[leaf + 1]! - first
        const entries = this.#entries[t]! + first * 4
        this.candidates += size
        kernels.scanEntries(
          METRIC_CODE[metric],
          TYPE_CODE[rowType],
          kind,
          address,
          dim,
          rows.byteOffset,
          stride,
          entries,
          size,
          seen,
          scaleAddress,
          order.byteOffset,
          this.#heap,
        )
      }
    }
    if (!single) this.#forget()
  }

  /** Clear the bits of every row that the last visit saw: the bitmap is all zero between searches. */
  #forget(): void {
    const { tree } = this.#snapshot
    for (let t = 0; t < tree.length; t++) {
      const { leafOffsets } = tree[t]!
      for (const leaf of this.#arena.u32(this.#models[t]!.leaves, this.#visited[t]!)) {
        const first = leafOffsets[leaf]!
        this.#arena.kernels.clearSeen(this.#entries[t]! + first * 4, leafOffsets[leaf + 1]! - first, this.#seen)
      }
    }
  }
}

/** Bytes rounded up to whole lines of 64. */
function heapSpace(bytes: number): number {
  return (bytes + 63) & ~63
}
