import { align64 } from '../base/align.js'
import type { Arena } from '../kernels/memory.js'
import { entriesOf, nearestRows, type SearchEffort, type Snapshot, type SnapshotHeader } from '../tree/snapshot.js'
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

/** The most that an index can do: every row, exactly, or every code where it keeps no rows. */
export function mostEffort({ rowType, shape }: SnapshotHeader): SearchEffort {
  const every = rowType === 'none' ? shape.leafCount : 0
  return { probes: every, beamWidth: every, rerank: 0 }
}

/**
 * Searches one index on one thread: beam from the root to the leaves, codes of the leaves' entries, exact distances of the
 * best of them, best k. It owns a scratch in the index's arena, and allocates nothing per query in the steady state.
 */
export class Searcher {
  protected readonly arena: Arena
  protected readonly snapshot: Snapshot
  protected readonly query: QueryBuffer
  protected readonly models: RouteModel[]
  protected readonly scan: LeafScan | undefined
  /** Without stored rows, what is found by code. */
  readonly #codeRows: CodeRows | undefined
  readonly #scratch: number
  /** Codes of the metric and of the rows' type at the kernel boundary. */
  readonly #metric: number
  readonly #type: number
  /** Addresses of the rows' scales and numbers; 0 without. */
  readonly #scales: number
  readonly #order: number
  /** One bit a row that the search has met; with several trees alone, else at address 0. */
  readonly #seen: number
  readonly #seenBytes: number
  #heap = 0
  #heapBytes = 0
  #heapCapacity = 0
  #floats = new Float32Array(0)
  #integers = new Uint32Array(0)
  /** Entries of visited leaves in the last search, copies counted each time; all rows in an exact one. */
  candidates = 0
  /** Exact distances computed by the last search. */
  reranked = 0
  /** Nodes scored by the last search. */
  nodesScored = 0

  constructor(arena: Arena, snapshot: Snapshot) {
    this.arena = arena
    this.snapshot = snapshot
    const { dim, shape, router, size, tree, scales, order } = snapshot
    this.#metric = METRIC_CODE[snapshot.metric]
    this.#type = TYPE_CODE[snapshot.rowType]
    this.#scales = scales.length && scales.byteOffset
    this.#order = order.length && order.byteOffset
    const model = { kind: router, shape, dim }
    const exact = tree.length === 0
    const queryBytes = QueryBuffer.scratchBytes(dim)
    const seenBytes = (this.#seenBytes = tree.length > 1 && snapshot.rowType !== 'none' ? align64(size / 8) : 0)
    const codeBytes = exact ? 0 : QueryCodes.scratchBytes(snapshot)
    const routeBytes = exact ? 0 : RouteModel.scratchBytes(arena.kernels, model)
    this.#scratch = arena.allocate(queryBytes + seenBytes + codeBytes + routeBytes)
    this.query = new QueryBuffer(arena, snapshot, this.#scratch)
    const bitmap = this.#scratch + queryBytes
    this.#seen = seenBytes > 0 ? bitmap : 0
    const codes = bitmap + seenBytes
    this.scan = exact ? undefined : new LeafScan(arena, snapshot, codes)
    this.#codeRows = snapshot.rowType === 'none' ? new CodeRows(arena) : undefined
    this.models = tree.map((view) => new RouteModel(arena, model, view.router.byteOffset, codes + codeBytes))
  }

  /** Give the scratch back. */
  close(): void {
    this.arena.free(this.#scratch)
    this.scan?.close()
    this.#codeRows?.close()
    if (this.#heapCapacity > 0) this.arena.free(this.#heap)
    this.#heapCapacity = 0
  }

  /** Distance of the last query to the row at a position, with the same bits as in a search. */
  distance(position: number): number {
    const distances = new Float32Array(1)
    this.#reserve(1)
    this.#scanRows(position, 1)
    this.#refresh()
    this.#take(new Uint32Array(1), distances, 0)
    return distances[0]!
  }

  /** The heap, and behind it room for its sorted distances and ids. */
  #reserve(k: number): void {
    const { kernels } = this.arena
    if (k > this.#heapCapacity) {
      if (this.#heapCapacity > 0) this.arena.free(this.#heap)
      this.#heapCapacity = 0
      this.#heapBytes = align64(kernels.heapBytes(k))
      this.#heap = this.arena.allocate(this.#heapBytes + 2 * align64(k * 4))
      this.#heapCapacity = k
    }
    kernels.heapReset(this.#heap, k)
  }

  /** Views of the whole memory, made anew only when it has grown. */
  #refresh(): void {
    const { buffer } = this.arena.memory
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
    this.query.load(query)
    this.#reserve(k)
    this.candidates = 0
    this.reranked = 0
    this.nodesScored = 0
    if (effort.probes === 0 || this.models.length === 0) this.#scanAll()
    else this.#scanLeaves(k, effort)
    this.#refresh()
    return this.#take(ids, distances, at)
  }

  #take(ids: Uint32Array, distances: Float32Array, at: number): number {
    const sorted = this.#heap + this.#heapBytes
    const numbers = sorted + align64(this.#heapCapacity * 4)
    const count = this.arena.kernels.heapSort(this.#heap, sorted, numbers)
    // A squared distance by code may fall below zero by what codes and scores round.
    const least = this.#codeRows !== undefined && this.snapshot.metric !== 'ip' ? 0 : -Infinity
    for (let i = 0; i < count; i++) {
      distances[at + i] = Math.max(least, this.#floats[(sorted >>> 2) + i]!)
      ids[at + i] = this.#integers[(numbers >>> 2) + i]!
    }
    return count
  }

  #scanAll(): void {
    const { size } = this.snapshot
    for (let first = 0; first < size; first += SCAN_BLOCK) this.#scanRows(first, Math.min(SCAN_BLOCK, size - first))
    this.candidates = size
    this.reranked = size
  }

  /** Offer the rows at `count` positions from the first on to the heap. */
  #scanRows(first: number, count: number): void {
    const { dim, rows, stride } = this.snapshot
    const { address, kind } = this.query
    this.arena.kernels.scanRows(
      this.#metric,
      this.#type,
      kind,
      address,
      dim,
      rows.byteOffset,
      stride,
      first,
      count,
      this.#scales,
      this.#order,
      this.#heap,
    )
  }

  /** Visit the probed leaves of every tree; go on past them while fewer than k rows were found. */
  #scanLeaves(k: number, effort: SearchEffort): void {
    const { entryCount, shape } = this.snapshot
    const { leafCount } = shape
    let now = effort
    // A row counts once however many copies of it are among the best entries.
    let wanted = this.#codeRows
      ? CodeRows.wanted(this.snapshot, k)
      : entriesOf(Math.max(k, effort.rerank), this.snapshot)
    const near = entriesOf(nearestRows(k, effort.rerank), this.snapshot)
    for (;;) {
      this.#visit(now, wanted, near)
      this.#refresh()
      const found = this.#integers[this.#heap >>> 2]!
      if (found >= k || (now.probes >= leafCount && wanted >= entryCount)) return
      now = { probes: 2 * now.probes, beamWidth: leafCount, rerank: 0 }
      wanted = now.probes >= leafCount ? entryCount : 2 * wanted
      this.arena.kernels.heapReset(this.#heap, k)
    }
  }

  #visit(effort: SearchEffort, wanted: number, near: number): void {
    const { tree } = this.snapshot
    const scan = this.scan!
    scan.load(this.query.routing)
    const codeRows = this.#codeRows
    if (this.#seen > 0) {
      this.#refresh()
      this.#integers.fill(0, this.#seen >>> 2, (this.#seen + this.#seenBytes) >>> 2)
    }
    codeRows?.begin(tree.length, wanted)
    for (let t = 0; t < tree.length; t++) {
      const model = this.models[t]!
      const count = model.route(this.query.routing, effort)
      this.nodesScored += model.nodesScored
      const entries = scan.scan(t, model.leaves, count, wanted)
      this.candidates += entries
      if (codeRows !== undefined) {
        const length = this.snapshot.metric === 'ip' ? this.query.length : 1
        scan.selectScored(t, model.leaves, entries, wanted, codeRows, length)
        continue
      }
      const rows = scan.select(t, model.leaves, entries, wanted, near, effort.rowReach)
      this.#rerank(scan.positions, rows)
    }
    if (codeRows !== undefined) codeRows.offer(this.#order, this.#heap)
  }

  /** Offer the rows at `count` positions to the heap. */
  #rerank(positions: number, count: number): void {
    const { dim, rows, stride } = this.snapshot
    const { address, kind } = this.query
    const { kernels } = this.arena
    const ahead = Math.min(count, ROWS_AHEAD)
    kernels.touchRows(
      positions,
      ahead,
      rows.byteOffset,
      stride,
      this.#scales,
      this.#order,
      this.#heap + this.#heapBytes,
    )
    this.reranked += kernels.scanEntries(
      this.#metric,
      this.#type,
      kind,
      address,
      dim,
      rows.byteOffset,
      stride,
      positions,
      count,
      this.#seen,
      this.#scales,
      this.#order,
      this.#heap,
    )
  }
}
