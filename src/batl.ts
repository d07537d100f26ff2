import { ClosedError, DimensionMismatchError, InvalidArgumentError } from './base/errors.js'
import {
  checkSignal,
  knownOptions,
  numberIn,
  resolveBuildOptions,
  resolveSearchOptions,
  resolveThreads,
  type BuildOptions,
  type IdArray,
  type Metric,
  type Query,
  type ResolvedSearch,
  type Rows,
  type SearchOptions,
} from './base/options.js'
import { buildIndex } from './builder/build.js'
import { estimateBytes } from './builder/estimate.js'
import { openQueries, plainType, takeQueries } from './builder/intake.js'
import { climb, manualEffort } from './eval/ladder.js'
import { Pace } from './format/pace.js'
import { writeAtomic } from './io/node.js'
import { Arena } from './kernels/memory.js'
import { BatchPools, searchHere } from './batch.js'
import {
  cores,
  nextMemoryKey,
  openBytes,
  openIndex,
  openOptions,
  tableOf,
  type OpenIndex,
  type OpenOptions,
} from './open.js'
import { answerArrays, answerOffsets, idsOf, type BatchResult, type SearchResult } from './result.js'
import { evaluateSearch, type Evaluation, type GroundTruth } from './search/evaluate.js'
import { readRow } from './search/query.js'
import { EXACT, Searcher } from './search/searcher.js'
import { describe, type Stats } from './stats.js'
import type { SearchEffort, Snapshot } from './tree/snapshot.js'

/** Options of `searchBatch`. */
export type BatchOptions = SearchOptions & { dim?: number; threads?: number; signal?: AbortSignal }

/** Bytes written at a time. */
const WRITE_BYTES = 4 << 20

/** What `share` hands to another thread. */
interface SharedHandle {
  readonly batl: 1
  readonly memory: WebAssembly.Memory
  readonly address: number
  readonly layout: OpenIndex['layout']
  readonly snapshot: Snapshot
}

/**
 * An immutable index of vectors for nearest-neighbour and maximum-inner-product search.
 * @see Li et al., "Learning Balanced Tree Indexes for Large-Scale Vector Retrieval", KDD 2023.
 */
export class BatlIndex<I extends IdArray = Uint32Array> implements AsyncDisposable, Disposable {
  readonly size: number
  readonly dim: number
  readonly metric: Metric
  readonly #open: OpenIndex
  readonly #searcher: Searcher
  readonly #pools = new BatchPools()
  #positions: Uint32Array | undefined
  #shared = false
  #closed = false

  private constructor(open: OpenIndex) {
    this.#open = open
    this.#searcher = new Searcher(open.arena, open.snapshot)
    this.size = open.snapshot.size
    this.dim = open.snapshot.dim
    this.metric = open.snapshot.metric
  }

  /**
   * Build an index.
   * @param rows - [size * dim] of any accepted form.
   * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT, {DimensionMismatchError} BATL_DIMENSION_MISMATCH,
   * {CapacityError} BATL_CAPACITY, {UnsupportedError} BATL_UNSUPPORTED; the signal's reason once it has aborted.
   */
  static build(rows: Rows, options: BuildOptions & { ids: readonly string[] }): Promise<BatlIndex<string[]>>
  static build(
    rows: Rows,
    options: BuildOptions & { ids: readonly number[] | Float64Array },
  ): Promise<BatlIndex<Float64Array>>
  static build(
    rows: Rows,
    options: BuildOptions & { ids: readonly bigint[] | BigInt64Array },
  ): Promise<BatlIndex<BigInt64Array>>
  static build(rows: Rows, options?: BuildOptions): Promise<BatlIndex>
  static async build(rows: Rows, options?: BuildOptions): Promise<unknown> {
    return new BatlIndex(await buildIndex(rows, options, cores()))
  }

  /**
   * Open a saved index, all of it checked.
   * @throws {FormatError} BATL_FORMAT, {VersionError} BATL_VERSION, {InvalidArgumentError} for a path that cannot be read.
   */
  static async open<I extends IdArray = Uint32Array>(
    source: string | URL | Blob,
    options?: OpenOptions,
  ): Promise<BatlIndex<I>> {
    const { threads, signal } = openOptions(options)
    return new BatlIndex<I>(await openIndex(source, threads, signal))
  }

  /** Open a copy of the bytes of a saved index; errors as `open`. */
  static async fromBytes<I extends IdArray = Uint32Array>(
    bytes: Uint8Array | ArrayBuffer,
    options?: OpenOptions,
  ): Promise<BatlIndex<I>> {
    const { threads, signal } = openOptions(options)
    return new BatlIndex<I>(await openBytes(bytes, threads, signal))
  }

  /** Bytes that an index of this shape would take, by section, before it is built; with string ids, ids of 16 bytes. */
  static estimate(
    shape: { size: number; dim: number } & BuildOptions,
  ): Stats['bytes'] & { total: number; buildPeak: number } {
    const { size, dim, ...options } = shape ?? {}
    numberIn('size', size ?? null, { min: 1, max: 2 ** 32 - 1 }, 0)
    numberIn('dim', dim ?? null, { min: 1, max: 65_536 }, 0)
    return estimateBytes(size, dim, options, resolveBuildOptions({ ...options, dim }, cores()))
  }

  /** A shared index on this thread, from the handle that `share` gave. Closing it leaves the others open. */
  static async attach(handle: unknown): Promise<BatlIndex> {
    const shared = handle as Partial<SharedHandle> | null | undefined
    if (typeof shared !== 'object' || shared === null || shared.batl !== 1 || shared.snapshot === undefined) {
      throw new InvalidArgumentError(
        'handle',
        'handle is not what share returned; post the value of index.share() to this thread',
      )
    }
    const { memory, address, layout, snapshot } = shared as SharedHandle
    const arena = Arena.attach(memory)
    return new BatlIndex({
      arena,
      key: nextMemoryKey(),
      address,
      layout,
      snapshot,
      idTable: await tableOf(snapshot),
      threads: 1,
      phaseSeconds: undefined,
    })
  }

  #live(): OpenIndex {
    if (this.#closed) throw new ClosedError()
    return this.#open
  }

  /** The cheapest effort that does what was asked. */
  #effort({ recall, probes, rerank, k }: ResolvedSearch): SearchEffort {
    const { rungs, tree } = this.#open.snapshot
    if (tree.length === 0 || recall === 1) return EXACT
    if (probes !== undefined) return manualEffort(this.#open.snapshot, probes, rerank, k)
    const rung = rungs.length === 0 ? undefined : climb(rungs, recall ?? 1, k)
    return rung === undefined || rung.rerank >= this.size ? EXACT : rung
  }

  /**
   * The nearest stored rows of one query. Synchronous, on the caller's thread.
   * @param query - [dim] finite numbers.
   * @throws {DimensionMismatchError} BATL_DIMENSION_MISMATCH, {InvalidArgumentError} BATL_INVALID_ARGUMENT, {ClosedError} BATL_CLOSED.
   */
  search(query: Query, options?: SearchOptions): SearchResult<I> {
    this.#live()
    const asked = resolveSearchOptions(options)
    const k = Math.min(asked.k, this.size)
    const rows = new Uint32Array(k)
    const distances = new Float32Array(k)
    this.#searcher.search(query, k, this.#effort(asked), rows, distances)
    return { ids: idsOf(this.#open.snapshot, rows) as I, distances }
  }

  /** Neighbours of a stored row, itself left out. @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT for an unknown id. */
  searchById(id: I[number], options?: SearchOptions): SearchResult<I> {
    const { snapshot } = this.#live()
    const asked = resolveSearchOptions(options)
    const number = this.#rowNumber(id)
    if (number < 0) throw new InvalidArgumentError('id', `no row has the id ${String(id)}; ask has(id) first`)
    const k = Math.min(asked.k + 1, this.size)
    const rows = new Uint32Array(k)
    const distances = new Float32Array(k)
    const row = readRow(snapshot.rows, this.#position(number), snapshot.rowType, this.dim)
    this.#searcher.search(row, k, this.#effort(asked), rows, distances)
    // Among many rows equal to it the row itself may be further down than the last: then the last goes.
    const self = rows.indexOf(number)
    const keep = (_: number, i: number): boolean => i !== (self < 0 ? k - 1 : self)
    return { ids: idsOf(snapshot, rows.filter(keep)) as I, distances: distances.filter(keep) }
  }

  /**
   * The nearest stored rows of many queries, on worker threads where the index is large enough for them.
   * @throws as `search`; {ClosedError} BATL_CLOSED when the index is closed meanwhile; the signal's reason.
   */
  async searchBatch(queries: Rows, options?: BatchOptions): Promise<BatchResult<I>> {
    const { threads: own, snapshot } = this.#live()
    const asked = resolveSearchOptions(options, ['dim', 'threads', 'signal'])
    const { signal } = options ?? {}
    const threads = options?.threads === undefined ? own : resolveThreads(options.threads, cores())
    checkSignal(signal)
    signal?.throwIfAborted()
    const matrix = await this.#matrix(queries, options?.dim, signal)
    signal?.throwIfAborted()
    this.#live()
    const count = matrix.length / this.dim
    const k = Math.min(asked.k, this.size)
    const { outIds, outDistances } = answerArrays(count, k)
    const { probes, beamWidth, rerank } = this.#effort(asked)
    const job = { matrix, k, effort: { probes, beamWidth, rerank }, outIds, outDistances }
    if (this.#ownsMemory) await this.#pools.search(this.#open, job, threads, signal)
    else await searchHere(this.#searcher, job, new Pace(signal), () => this.#live())
    this.#live()
    return {
      ids: idsOf(snapshot, outIds.slice()) as I,
      distances: outDistances.slice(),
      offsets: answerOffsets(count, k),
    }
  }

  async #matrix(queries: Rows, dim: number | undefined, signal?: AbortSignal): Promise<Float32Array> {
    const given = numberIn('dim', dim, { min: 1, max: 65_536 }, this.dim)
    if (given !== this.dim) throw new DimensionMismatchError(this.dim, given, 'a query of dim')
    const source = await openQueries(queries, { dim: this.dim, type: plainType(this.#open.snapshot.rowType) })
    if (source.dim !== this.dim) throw new DimensionMismatchError(this.dim, source.dim, 'each of the queries')
    return takeQueries(source, this.dim, new Pace(signal))
  }

  /** Workers attach to a memory of the index's own; small indexes share one, and are searched here. */
  get #ownsMemory(): boolean {
    return this.#open.arena !== Arena.common()
  }

  #rowNumber(id: unknown): number {
    const { idTable, snapshot } = this.#open
    if (snapshot.ids === undefined) {
      return typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < this.size ? id : -1
    }
    if (typeof id !== 'number' && typeof id !== 'bigint' && typeof id !== 'string') return -1
    return idTable?.find(id) ?? -1
  }

  #position(number: number): number {
    const { order } = this.#open.snapshot
    if (order.length === 0) return number
    if (this.#positions === undefined) {
      this.#positions = new Uint32Array(order.length)
      for (let position = 0; position < order.length; position++) this.#positions[order[position]!] = position
    }
    return this.#positions[number]!
  }

  /** Whether a row has this id. */
  has(id: I[number]): boolean {
    this.#live()
    return this.#rowNumber(id) >= 0
  }

  /** The stored row, at the precision of `storage`; undefined for an unknown id. */
  get(id: I[number]): Float32Array | undefined {
    const { snapshot } = this.#live()
    const number = this.#rowNumber(id)
    if (number < 0) return undefined
    const row = readRow(snapshot.rows, this.#position(number), snapshot.rowType, this.dim)
    const unit = snapshot.units[number]
    return unit === undefined ? row : row.map((step) => step * unit)
  }

  /**
   * Recall, speed and cost of searching with some effort, one query after the other on this thread, with turns of the
   * event loop between them.
   * @param options - `groundTruth`: the true neighbours as ids, [queries * k]; without it they are computed.
   */
  async evaluate(
    queries: Rows,
    options?: SearchOptions & { groundTruth?: { ids: IdArray; k: number }; dim?: number },
  ): Promise<Evaluation> {
    this.#live()
    const asked = resolveSearchOptions(options, ['dim', 'groundTruth'])
    const matrix = await this.#matrix(queries, options?.dim)
    const k = Math.min(asked.k, this.size)
    this.#live()
    const truth = await this.#truth(matrix, k, options?.groundTruth)
    const effort = this.#effort(asked)
    const { snapshot } = this.#live()
    const pace = new Pace()
    const evaluation = await evaluateSearch(this.#searcher, snapshot, { matrix, k, effort, truth }, async () => {
      await pace.turn()
      this.#live()
    })
    const bytesPerVector = this.#open.layout.length / this.size
    return { k, ...(asked.probes === undefined ? { target: asked.recall ?? 1 } : {}), ...evaluation, bytesPerVector }
  }

  /** Positions of the true neighbours. */
  async #truth(matrix: Float32Array, k: number, given: { ids: IdArray; k: number } | undefined): Promise<GroundTruth> {
    const count = matrix.length / this.dim
    if (given === undefined) {
      const { ids } = await this.searchBatch(matrix, { k, recall: 1 })
      return { positions: Uint32Array.from(ids as ArrayLike<unknown>, (id) => this.#position(this.#rowNumber(id))), k }
    }
    knownOptions(given, ['ids', 'k'])
    if (typeof given.ids?.length !== 'number' || typeof given.ids !== 'object') {
      throw new InvalidArgumentError(
        'groundTruth.ids',
        `groundTruth.ids is ${typeof given.ids}, but an array of [queries * k] ids is expected`,
      )
    }
    const columns = numberIn('groundTruth.k', given.k, { min: 1, max: 2 ** 31 }, k)
    if (columns < k || given.ids.length < count * columns) {
      throw new InvalidArgumentError(
        'groundTruth',
        `groundTruth has ${given.ids.length} ids in rows of ${columns}, but ${count} queries with at least k = ${k} each are expected`,
      )
    }
    const positions = Uint32Array.from({ length: count * columns }, (_, i) => {
      const number = this.#rowNumber(given.ids[i])
      const unknown = `groundTruth names the id ${String(given.ids[i])}, which no row has`
      if (number < 0) throw new InvalidArgumentError('groundTruth', unknown)
      return this.#position(number)
    })
    return { positions, k: columns }
  }

  /** What the index is and takes. */
  stats(): Stats {
    return describe(this.#live())
  }

  #region(): Uint8Array {
    const { arena, address, layout } = this.#live()
    return arena.u8(address, layout.length)
  }

  /**
   * Write the index to a file: to a temporary one beside it, synced and renamed, so that the old file or the new one is
   * there whatever happens.
   */
  async save(path: string | URL, options?: { signal?: AbortSignal }): Promise<void> {
    knownOptions(options, ['signal'])
    checkSignal(options?.signal)
    await writeAtomic(
      path,
      pieces(this.#region(), () => this.#live()),
      options?.signal,
    )
  }

  /** The bytes of the file, in an ordinary ArrayBuffer. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const region = this.#region()
    const bytes = new Uint8Array(region.length)
    bytes.set(region)
    return bytes
  }

  /** A handle to post to the caller's own worker threads, which open it with `attach` and share the memory. */
  share(): unknown {
    const { arena, address, layout, snapshot } = this.#live()
    this.#shared = true
    return { batl: 1, memory: arena.memory, address, layout, snapshot } satisfies SharedHandle
  }

  /** Give everything back. Idempotent; calls under way reject with ClosedError. */
  async close(): Promise<void> {
    this.#release()
    await this.#pools.close()
  }

  #release(): void {
    if (this.#closed) return
    this.#closed = true
    this.#searcher.close()
    // What other threads may still read stays; a memory of its own goes with the last reference to it.
    if (!this.#ownsMemory && !this.#shared) this.#open.arena.free(this.#open.address)
  }

  [Symbol.dispose](): void {
    void this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** The bytes of a file, piece by piece; throws when the index was closed before the last of them was written. */
function* pieces(region: Uint8Array, alive: () => void): Iterable<Uint8Array> {
  for (let at = 0; at < region.length; at += WRITE_BYTES) {
    alive()
    yield region.subarray(at, at + WRITE_BYTES)
  }
  alive()
}
