import type { Arena } from '../kernels/memory.js'
import type { SearchEffort, Snapshot, SnapshotHeader } from '../tree/snapshot.js'
import { QueryCodes } from '../codes/query-codes.js'
import { CodeRows } from './code-rows.js'
import { LeafScan } from './leaf-scan.js'
import { METRIC_CODE, QueryBuffer } from './query.js'
import { TYPE_CODE } from '../base/matrix.js'
import { RouteModel } from './route.js'

/** Rows scanned by one kernel call: a few milliseconds at most, so that a long scan can be left between calls. */
const SCAN_BLOCK = 65_536

/** Rows looked into before any is compared: what fits the caches next to the processor. */
const ROWS_AHEAD = 1024

/** Every row, exactly. */
export const EXACT: SearchEffort = Object.freeze({ probes: 0, beamWidth: 0, rerank: 0 })

/** The most that an index can do: every row, exactly, or every code where it keeps no rows. */
export function mostEffort({ rowType, shape }: SnapshotHeader): SearchEffort {
  if (rowType !== 'none') return EXACT
  return Object.freeze({ probes: shape.leafCount, beamWidth: shape.leafCount, rerank: 0 })
}

/**
 * Searches one index on one thread: beam from the root to the leaves, codes of the leaves' entries, exact distances of the
 * best of them, best k. It owns a scratch in the index's arena, and allocates nothing per query in the steady state.
 */
export class Searcher {
  readonly #arena: Arena
  readonly #snapshot: Snapshot
  readonly #query: QueryBuffer
  readonly #models: RouteModel[]
  readonly #scan: LeafScan | undefined
  /** Without stored rows, what is found by code. */
  readonly #codeRows: CodeRows | undefined
  readonly #scratch: number
  /** One bit a row, all zero between searches; with several trees alone. */
  readonly #seen: number
  #heap = 0
  #heapBytes = 0
  #heapCapacity = 0
  #floats = new Float32Array(0)
  #integers = new Uint32Array(0)
  #rows = { address: 0, bytes: 0, count: 0 }
  /** Entries of visited leaves in the last search, copies counted each time; all rows in an exact one. */
  candidates = 0
  /** Exact distances computed by the last search. */
  reranked = 0
  /** Nodes scored by the last search. */
  nodesScored = 0

  constructor(arena: Arena, snapshot: Snapshot) {
    this.#arena = arena
    this.#snapshot = snapshot
    const { dim, shape, router, size, tree } = snapshot
    const model = { kind: router, shape, dim, form: 'stored' } as const
    const exact = tree.length === 0
    const queryBytes = QueryBuffer.scratchBytes(dim)
    const seenBytes = tree.length > 1 && snapshot.rowType !== 'none' ? (Math.ceil(size / 8) + 63) & ~63 : 0
    const codeBytes = exact ? 0 : QueryCodes.scratchBytes(snapshot)
    const routeBytes = exact ? 0 : RouteModel.scratchBytes(arena.kernels, model)
    this.#scratch = arena.allocate(queryBytes + seenBytes + codeBytes + routeBytes)
    this.#query = new QueryBuffer(arena, snapshot, this.#scratch)
    this.#seen = this.#scratch + queryBytes
    const codes = this.#seen + seenBytes
    this.#scan = exact ? undefined : new LeafScan(arena, snapshot, codes)
    this.#codeRows = snapshot.rowType === 'none' ? new CodeRows(arena) : undefined
    this.#models = tree.map((view) => new RouteModel(arena, model, view.router.byteOffset, codes + codeBytes))
  }

  /** Give the scratch back. */
  close(): void {
    this.#arena.free(this.#scratch)
    this.#scan?.close()
    this.#codeRows?.close()
    if (this.#heapCapacity > 0) this.#arena.free(this.#heap)
    if (this.#rows.bytes > 0) this.#arena.free(this.#rows.address)
    this.#heapCapacity = 0
    this.#rows = { address: 0, bytes: 0, count: 0 }
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
      this.#heapBytes = heapSpace(kernels.heapBytes(k))
      this.#heap = this.#arena.allocate(this.#heapBytes + 2 * heapSpace(k * 4))
      this.#heapCapacity = k
    }
    kernels.heapReset(this.#heap, k)
  }

  /** Views of the whole memory, made anew only when it has grown. */
  #refresh(): void {
    const { buffer } = this.#arena.memory
    if (this.#floats.buffer === buffer) return
    this.#floats = new Float32Array(buffer)
    this.#integers = new Uint32Array(buffer)
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
    this.reranked = 0
    this.nodesScored = 0
    if (effort.probes === 0 || this.#models.length === 0) this.#scanAll()
    else this.#scanLeaves(k, effort)
    this.#refresh()
    return this.#take(ids, distances, at)
  }

  #take(ids: Uint32Array, distances: Float32Array, at: number): number {
    const sorted = this.#heap + this.#heapBytes
    const numbers = sorted + heapSpace(this.#heapCapacity * 4)
    const count = this.#arena.kernels.heapSort(this.#heap, sorted, numbers)
    // A squared distance by code may fall below zero by what codes and scores round.
    const least = this.#codeRows !== undefined && this.#snapshot.metric !== 'ip' ? 0 : -Infinity
    for (let i = 0; i < count; i++) {
      distances[at + i] = Math.max(least, this.#floats[(sorted >>> 2) + i]!)
      ids[at + i] = this.#integers[(numbers >>> 2) + i]!
    }
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
    this.reranked = size
  }

  /** Visit the probed leaves of every tree; go on past them while fewer than k rows were found. */
  #scanLeaves(k: number, effort: SearchEffort): void {
    const { shape, size, entryCount } = this.#snapshot
    const { leafCount } = shape
    let { probes, beamWidth } = effort
    // A row counts once however many copies of it are among the best entries.
    let wanted = this.#codeRows
      ? CodeRows.wanted(this.#snapshot, k)
      : Math.ceil((Math.max(k, effort.rerank) * entryCount) / size)
    for (;;) {
      this.#visit(Math.min(probes, leafCount), beamWidth, wanted)
      this.#refresh()
      const found = this.#integers[this.#heap >>> 2]!
      if (found >= k || (probes >= leafCount && wanted >= entryCount)) return
      probes *= 2
      beamWidth = leafCount
      wanted = probes >= leafCount ? entryCount : 2 * wanted
      this.#arena.kernels.heapReset(this.#heap, k)
    }
  }

  #visit(probes: number, beamWidth: number, wanted: number): void {
    const { tree } = this.#snapshot
    const scan = this.#scan!
    scan.load(this.#query.routing)
    const codeRows = this.#codeRows
    codeRows?.begin(tree.length, wanted)
    for (let t = 0; t < tree.length; t++) {
      const model = this.#models[t]!
      const count = model.route(this.#query.routing, probes, beamWidth)
      this.nodesScored += model.nodesScored
      const entries = scan.scan(t, model.leaves, count, wanted)
      this.candidates += entries
      if (codeRows !== undefined) {
        const length = this.#snapshot.metric === 'ip' ? this.#query.length : 1
        scan.selectScored(t, model.leaves, entries, wanted, codeRows, length)
        continue
      }
      const rows = scan.select(t, model.leaves, entries, wanted)
      this.#rerank(scan.positions, rows, tree.length > 1 ? this.#seen : 0)
      if (tree.length > 1) this.#remember(t, scan.positions, rows)
    }
    if (codeRows !== undefined) codeRows.offer(this.#snapshot.order.byteOffset, this.#heap)
    else if (tree.length > 1) this.#forget()
  }

  /** Offer the rows at `count` positions to the heap. */
  #rerank(positions: number, count: number, seen: number): void {
    const { dim, rowType, metric, rows, stride, scales, order } = this.#snapshot
    const { address, kind } = this.#query
    const { kernels } = this.#arena
    const ahead = Math.min(count, ROWS_AHEAD)
    kernels.touchRows(positions, ahead, rows.byteOffset, stride, this.#heap + this.#heapBytes)
    this.reranked += kernels.scanEntries(
      METRIC_CODE[metric],
      TYPE_CODE[rowType],
      kind,
      address,
      dim,
      rows.byteOffset,
      stride,
      positions,
      count,
      seen,
      scales.length > 0 ? scales.byteOffset : 0,
      order.byteOffset,
      this.#heap,
    )
  }

  /** Keep the positions of a tree until the bitmap is cleared. */
  #remember(tree: number, positions: number, count: number): void {
    if (tree === 0) this.#rows.count = 0
    const wanted = (this.#rows.count + count) * 4
    if (wanted > this.#rows.bytes) {
      const address = this.#arena.allocate(2 * wanted)
      this.#refresh()
      const from = this.#rows.address >>> 2
      this.#integers.copyWithin(address >>> 2, from, from + this.#rows.count)
      if (this.#rows.bytes > 0) this.#arena.free(this.#rows.address)
      this.#rows.address = address
      this.#rows.bytes = 2 * wanted
    }
    this.#refresh()
    const at = (this.#rows.address >>> 2) + this.#rows.count
    this.#integers.copyWithin(at, positions >>> 2, (positions >>> 2) + count)
    this.#rows.count += count
  }

  /** Clear the bits of every row that the last visit saw. */
  #forget(): void {
    this.#arena.kernels.clearSeen(this.#rows.address, this.#rows.count, this.#seen)
  }

  /**
   * An order for queries [first, first + count) of a matrix: those that begin at the same node follow one another, since the
   * leaves that they visit lie near each other in memory.
   * @param queries - [n * dim]
   * @returns their numbers.
   */
  visitOrder(queries: Float32Array, first: number, count: number): Uint32Array {
    const order = new Uint32Array(count).map((_, i) => first + i)
    const [model] = this.#models
    if (model === undefined) return order
    const { dim } = this.#snapshot
    const keys = Float64Array.from(order, (number, i) => {
      this.#query.load(queries.subarray(number * dim, (number + 1) * dim))
      return model.firstNode(this.#query.routing) * count + i
    }).sort()
    return order.map((_, i) => first + (keys[i]! % count))
  }

  /**
   * Score the codes that a search with some effort looks at, tree by tree.
   * @param arrange - puts the leaves found, u32 [count] with their scores f32, into the order in which they are scanned.
   * @param each - takes a tree, its leaves in that order, and the scan of their entries, until it returns.
   */
  scanTrees(
    query: ArrayLike<number>,
    { probes, beamWidth }: SearchEffort,
    arrange: (leaves: number, scores: number, count: number) => void,
    each: (tree: number, leaves: Uint32Array, scan: LeafScan) => void,
  ): void {
    const scan = this.#scan!
    this.#query.load(query)
    scan.load(this.#query.routing)
    this.#models.forEach((model, t) => {
      const wanted = Math.min(probes, this.#snapshot.shape.leafCount)
      const count = model.route(this.#query.routing, wanted, beamWidth)
      arrange(model.leaves, model.leafScores, count)
      scan.scan(t, model.leaves, count, 1)
      each(t, this.#arena.u32(model.leaves, count), scan)
    })
  }
}

/** Bytes rounded up to whole lines of 64. */
function heapSpace(bytes: number): number {
  return (bytes + 63) & ~63
}
