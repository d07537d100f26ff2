import { cores } from '#io'
import type { Stats } from './base/answers.js'
import type { BlobLike, UrlLike } from './base/globals.js'
import {
  numberIn,
  resolveBuildOptions,
  type BuildOptions,
  type IdArray,
  type OpenOptions,
  type Rows,
} from './base/options.js'
import { buildIndex } from './builder/build.js'
import { estimateBytes } from './builder/estimate.js'
import { openRowFile } from './io/rows.js'
import { openCopy, openShared, openSource } from './open.js'
import { BatlIndex as SearchIndex } from './search-index.js'

/**
 * An immutable index of vectors for nearest-neighbour and maximum-inner-product search.
 * @see Li et al., "Learning Balanced Tree Indexes for Large-Scale Vector Retrieval", KDD 2023.
 */
export class BatlIndex<I extends IdArray = Uint32Array> extends SearchIndex<I> {
  protected constructor(open: object) {
    super(open, openRowFile)
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
   * @param source - a path, a `file:` URL or a Blob; where there are no files, an address to fetch or a Blob.
   * @throws {FormatError} BATL_FORMAT, {VersionError} BATL_VERSION, {InvalidArgumentError} for a path that cannot be read.
   */
  static override async open<I extends IdArray = Uint32Array>(
    source: string | UrlLike | BlobLike,
    options?: OpenOptions,
  ): Promise<BatlIndex<I>> {
    return new BatlIndex<I>(await openSource(source, options))
  }

  /** Open a copy of the bytes of a saved index; errors as `open`. */
  static override async fromBytes<I extends IdArray = Uint32Array>(
    bytes: Uint8Array | ArrayBuffer,
    options?: OpenOptions,
  ): Promise<BatlIndex<I>> {
    return new BatlIndex<I>(await openCopy(bytes, options))
  }

  /** A shared index on this thread, from the handle that `share` gave. Closing it leaves the others open. */
  static override async attach(handle: unknown): Promise<BatlIndex> {
    return new BatlIndex(await openShared(handle))
  }

  /** Bytes that an index of this shape would take, by section, before it is built; with string ids, ids of 16 bytes. */
  static estimate(shape: { size: number; dim: number } & BuildOptions): Stats['bytes'] & {
    /** Bytes of the whole index, and of its file. */
    total: number
    /** Bytes at the peak of building it, beside the process itself. */
    buildPeak: number
  } {
    const { size, dim, ...options } = shape ?? {}
    numberIn('size', size ?? null, { min: 1, max: 2 ** 32 - 1 }, 0)
    numberIn('dim', dim ?? null, { min: 1, max: 65_536 }, 0)
    return estimateBytes(size, dim, options, resolveBuildOptions({ ...options, dim }, cores()))
  }
}
