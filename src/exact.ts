import { cores } from '#io'
import { openPool } from '#threads'
import type { BatchResult } from './base/answers.js'
import { DimensionMismatchError } from './base/errors.js'
import type { AbortSignalLike } from './base/globals.js'
import {
  checkSignal,
  knownOptions,
  numberIn,
  oneOf,
  resolveBuildOptions,
  resolveThreads,
  type Metric,
  type Rows,
  type RowType,
} from './base/options.js'
import { takeRows } from './builder/intake.js'
import { openQueries, takeQueries } from './queries.js'
import { findSection } from './format/layout.js'
import { Pace } from './format/pace.js'
import { openBase, openRowFile } from './io/rows.js'
import { loadBuildKernels } from './kernels/load-build.js'
import { nextMemoryKey } from './open.js'
import type { PointTable } from './partition/points.js'
import { during } from './pool/during.js'
import { answerArrays, answerOffsets } from './result.js'

/** Queries that pass over the rows together. */
const QUERY_BLOCK = 32

/** Options of an exact search. */
export interface ExactOptions {
  /** Default 10. */
  k?: number
  /** Components of a row, for flat arrays. */
  dim?: number
  /** Type of the rows where the array does not say it. */
  type?: RowType
  /** Default `l2`. */
  metric?: Metric
  /** Worker threads; 0 (default): one a core. */
  threads?: number
  /** Ends the search; it rejects with the signal's reason. */
  signal?: AbortSignalLike
}

/**
 * The exact nearest rows of each query, by comparing with every row: the judge of every other search.
 * @returns row numbers and distances, nearest first, ties by lower row number.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT, {DimensionMismatchError} BATL_DIMENSION_MISMATCH.
 */
export async function exactSearch(rows: Rows, queries: Rows, options: ExactOptions): Promise<BatchResult> {
  const given = knownOptions(options, ['k', 'dim', 'type', 'metric', 'threads', 'signal']) as ExactOptions
  const wanted = numberIn('k', given.k, { min: 1, max: 2 ** 31 }, 10)
  const metric = oneOf('metric', given.metric, ['l2', 'ip', 'cosine'], 'l2')
  const threads = resolveThreads(given.threads, cores())
  checkSignal(given.signal)
  given.signal?.throwIfAborted()
  await loadBuildKernels()
  const source = await openBase(rows, given)
  const asked = await openQueries(queries, source, openRowFile)
  if (asked.dim !== source.dim) throw new DimensionMismatchError(source.dim, asked.dim, 'each of the queries')
  const matrix = await takeQueries(asked, source.dim, new Pace(given.signal))
  // As large leaves as there are, so that little but the rows takes memory.
  const plan = resolveBuildOptions({ metric, copies: 1, leafSize: 1_000_000, threads, storage: source.type }, threads)
  const intake = await takeRows(source, given, plan, () => undefined)
  try {
    const { arena, address, layout } = intake
    const { size, dim, rowType } = intake.plan
    const count = matrix.length / dim
    const k = Math.min(wanted, size)
    const at = (name: 'rows' | 'scales'): number => address + findSection(layout, name)!.offset
    const scales = metric === 'cosine' ? at('scales') : 0
    const key = nextMemoryKey()
    const points: PointTable = {
      memory: arena.memory,
      key,
      rows: at('rows'),
      scales,
      size,
      dim,
      metric,
      rowType,
    }
    const { outIds, outDistances } = answerArrays(count, k)
    const pool = await openPool(threads, { arena, key }, given.signal)
    await during(pool, given.signal, () =>
      pool.each('exact', count, QUERY_BLOCK, { points, order: 0, queries: matrix, k, outIds, outDistances }),
    )
    return { ids: outIds.slice(), distances: outDistances.slice(), offsets: answerOffsets(count, k) }
  } finally {
    // A memory of its own goes with the last reference to it.
    if (intake.arena.isCommon) intake.arena.free(intake.address)
  }
}
