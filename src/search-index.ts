import { cores, writeAtomic } from '#io'
import type { BatchResult, Evaluation, SearchResult, Stats } from './base/answers.js'
import { ClosedError, DimensionMismatchError, InvalidArgumentError, UnsupportedError } from './base/errors.js'
import type { AbortSignalLike, BlobLike, UrlLike } from './base/globals.js'
import {
  checkSignal,
  knownOptions,
  numberIn,
  resolveSearchOptions,
  resolveThreads,
  type BatchOptions,
  type IdArray,
  type Metric,
  type OpenOptions,
  type Query,
  type ResolvedSearch,
  type Rows,
  type SearchOptions,
} from './base/options.js'
import { isList, wrong } from './base/kinds.js'
import { readRow } from './base/matrix.js'
import type { FileOpener } from './base/rows.js'
import { BatchPools, searchHere } from './batch.js'
import { climb, manualEffort } from './eval/ladder.js'
import { Pace } from './format/pace.js'
import { openCopy, openShared, openSource, type OpenIndex, type SharedHandle } from './open.js'
import { openQueries, plainType, takeQueries } from './queries.js'
import { answerArrays, answerOffsets, idsOf } from './result.js'
import { evaluateSearch, type GroundTruth } from './search/evaluate.js'
import { mostEffort, Searcher } from './search/searcher.js'
import { describe } from './stats.js'
import type { SearchEffort } from './tree/snapshot.js'

/** Where a runtime lacks the symbols, what compilers of `using` take in their place. */
const DISPOSE: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose')
const ASYNC_DISPOSE: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')

/** Bytes written at a time. */
const WRITE_BYTES = 4 << 20

/**
 * An immutable index of vectors for nearest-neighbour and maximum-inner-product search, opened from what was built before.
 * @see Li et al., "Learning Balanced Tree Indexes for Large-Scale Vector Retrieval", KDD 2023.
 */
export class BatlIndex<I extends IdArray = Uint32Array> implements AsyncDisposable, Disposable {
  /** Rows. */
  readonly size: number
  /** Components of a row. */
  readonly dim: number
  /** What near means. */
  readonly metric: Metric
  readonly #open: OpenIndex
  readonly #searcher: Searcher
  readonly #most: SearchEffort
  readonly #openFile: FileOpener
  readonly #pools = new BatchPools()
  #positions: Uint32Array | undefined
  #shared = false
  #closed = false

  /**
   * @param open - an index in memory, as `open`, `fromBytes`, `attach` and `build` make it.
   * @param openFile - reads queries from vector files.
   */
  protected constructor(open: object, openFile: FileOpener = refuseFile) {
    this.#openFile = openFile
    const { arena, snapshot } = (this.#open = open as OpenIndex)
    this.#searcher = new Searcher(arena, snapshot)
    this.#most = mostEffort(snapshot)
    this.size = snapshot.size
    this.dim = snapshot.dim
    this.metric = snapshot.metric
  }

  /**
   * Open a saved index, all of it checked.
   * @param source - a path, a `file:` URL or a Blob; where there are no files, an address to fetch or a Blob.
   * @throws {FormatError} BATL_FORMAT, {VersionError} BATL_VERSION, {InvalidArgumentError} for a path that cannot be read.
   */
  static async open<I extends IdArray = Uint32Array>(
    source: string | UrlLike | BlobLike,
    options?: OpenOptions,
  ): Promise<BatlIndex<I>> {
    return new BatlIndex<I>(await openSource(source, options))
  }

  /** Open a copy of the bytes of a saved index; errors as `open`. */
  static async fromBytes<I extends IdArray = Uint32Array>(
    bytes: Uint8Array | ArrayBuffer,
    options?: OpenOptions,
  ): Promise<BatlIndex<I>> {
    return new BatlIndex<I>(await openCopy(bytes, options))
  }

  /** A shared index on this thread, from the handle that `share` gave. Closing it leaves the others open. */
  static async attach(handle: unknown): Promise<BatlIndex> {
    return new BatlIndex(await openShared(handle))
  }

  #live(): OpenIndex {
    if (this.#closed) throw new ClosedError()
    return this.#open
  }

  /** The cheapest effort that does what was asked. */
  #effort({ recall, probes, rerank, k }: ResolvedSearch): SearchEffort {
    const { rungs, tree } = this.#open.snapshot
    if (rerank !== undefined) this.#needRows(`rerank is ${rerank}, but`, 'leave rerank out')
    if (tree.length === 0 || recall === 1) return this.#most
    if (probes !== undefined) return manualEffort(this.#open.snapshot, probes, rerank, k)
    const rung = rungs.length === 0 ? undefined : climb(rungs, recall ?? 1, k)
    return rung === undefined || rung.rerank >= this.size ? this.#most : rung
  }

  /** @throws {UnsupportedError} BATL_UNSUPPORTED where the index keeps no rows. */
  #needRows(what: string, remedy: string): void {
    if (this.#open.snapshot.rowType !== 'none') return
    throw new UnsupportedError(
      `${what} this index was built with storage 'none' and keeps no rows; ${remedy}, or build with another storage`,
    )
  }

  /**
   * The nearest stored rows of one query. Synchronous, on the caller's thread.
   * @param query - [dim] finite numbers.
   * @returns ids and distances; where the index keeps no rows (`storage: 'none'`), distances by code, which are approximate.
   * @throws {DimensionMismatchError} BATL_DIMENSION_MISMATCH, {InvalidArgumentError} BATL_INVALID_ARGUMENT, {ClosedError}
   * BATL_CLOSED, {UnsupportedError} BATL_UNSUPPORTED for `rerank` where the index keeps no rows.
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

  /**
   * Neighbours of a stored row, itself left out.
   * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT for an unknown id; {UnsupportedError} BATL_UNSUPPORTED where the index
   * keeps no rows.
   */
  searchById(id: I[number], options?: SearchOptions): SearchResult<I> {
    const { snapshot } = this.#live()
    const asked = resolveSearchOptions(options)
    this.#needRows('searchById asks with a stored row, but', 'search with the vector itself')
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
    const effort = this.#effort(asked)
    const { signal } = options ?? {}
    const threads = options?.threads === undefined ? own : resolveThreads(options.threads, cores())
    checkSignal(signal)
    signal?.throwIfAborted()
    const matrix = await this.#matrix(queries, options?.dim, signal)
    signal?.throwIfAborted()
    this.#live()
    const count = matrix.length / this.dim
    const k = Math.min(asked.k, this.size)
    const answers = answerArrays(count, k)
    const job = { queries: matrix, k, effort, ...answers }
    const apart = this.#ownsMemory && (await this.#pools.search(this.#open, job, threads, signal))
    if (!apart) await searchHere(this.#searcher, job, new Pace(signal), () => this.#live())
    this.#live()
    return {
      ids: idsOf(snapshot, answers.outIds.slice()) as I,
      distances: answers.outDistances.slice(),
      offsets: answerOffsets(count, k),
    }
  }

  async #matrix(queries: Rows, dim: number | undefined, signal?: AbortSignalLike): Promise<Float32Array> {
    const given = numberIn('dim', dim, { min: 1, max: 65_536 }, this.dim)
    if (given !== this.dim) throw new DimensionMismatchError(this.dim, given, 'a query of dim')
    const source = await openQueries(
      queries,
      { dim: this.dim, type: plainType(this.#open.snapshot.rowType) },
      this.#openFile,
    )
    if (source.dim !== this.dim) throw new DimensionMismatchError(this.dim, source.dim, 'each of the queries')
    return takeQueries(source, this.dim, new Pace(signal))
  }

  /** Workers attach to a memory of the index's own; small indexes share one, and are searched here. */
  get #ownsMemory(): boolean {
    return !this.#open.arena.isCommon
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

  /**
   * The stored row, at the precision of `storage`; undefined for an unknown id.
   * @throws {UnsupportedError} BATL_UNSUPPORTED where the index keeps no rows.
   */
  get(id: I[number]): Float32Array | undefined {
    const { snapshot } = this.#live()
    this.#needRows('get returns a stored row, but', 'keep the vectors elsewhere')
    const number = this.#rowNumber(id)
    if (number < 0) return undefined
    const row = readRow(snapshot.rows, this.#position(number), snapshot.rowType, this.dim)
    const unit = snapshot.units[number]
    return unit === undefined ? row : row.map((step) => step * unit)
  }

  /**
   * Recall, speed and cost of searching with some effort, one query after the other on this thread, with turns of the
   * event loop between them.
   * @param options - `groundTruth`: the true neighbours as ids, [queries * k]; without it they are computed, which takes rows.
   * @throws as `search`; {UnsupportedError} BATL_UNSUPPORTED without ground truth where the index keeps no rows.
   */
  async evaluate(
    queries: Rows,
    options?: SearchOptions & { groundTruth?: { ids: IdArray; k: number }; dim?: number },
  ): Promise<Evaluation> {
    this.#live()
    const asked = resolveSearchOptions(options, ['dim', 'groundTruth'])
    const effort = this.#effort(asked)
    const matrix = await this.#matrix(queries, options?.dim)
    const k = Math.min(asked.k, this.size)
    this.#live()
    const truth = await this.#truth(matrix, k, options?.groundTruth)
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
      this.#needRows('without groundTruth the true neighbours are computed, but', 'give those of exactSearch')
      const { ids } = await this.searchBatch(matrix, { k, recall: 1 })
      return { positions: Uint32Array.from(ids as ArrayLike<unknown>, (id) => this.#position(this.#rowNumber(id))), k }
    }
    knownOptions(given, ['ids', 'k'])
    if (!isList(given.ids)) {
      throw wrong('groundTruth.ids', given.ids, 'an array of [queries * k] ids')
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
  async save(path: string | UrlLike, options?: { signal?: AbortSignalLike }): Promise<void> {
    knownOptions(options, ['signal'])
    checkSignal(options?.signal)
    await writeAtomic(
      path,
      pieces(() => this.#region()),
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
    if (!arena.shared) {
      throw new UnsupportedError(
        'threads of this runtime share no memory; on a page, serve it cross-origin isolated, or open the index in each thread',
      )
    }
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

  /** Closes it, for `using`. */
  [DISPOSE](): void {
    void this.close()
  }

  /** Closes it, for `await using`. */
  async [ASYNC_DISPOSE](): Promise<void> {
    await this.close()
  }
}

/** Reading vector files takes more code than searching: it comes with `batl`. */
const refuseFile: FileOpener = async (path) => {
  throw new UnsupportedError(
    `batl/search reads no vector files such as ${String(path)}; read it with readVectors of batl, or open the index with batl`,
  )
}

/** The bytes of a file, piece by piece; `region` throws when the index was closed before the last of them was written. */
function* pieces(region: () => Uint8Array): Iterable<Uint8Array> {
  for (let at = 0, { length } = region(); at < length; at += WRITE_BYTES) yield region().subarray(at, at + WRITE_BYTES)
  region()
}
