import { openSearchPool } from '#search-threads'
import { sharedBuffer, sharedU32 } from './base/shared.js'
import type { Pace } from './format/pace.js'
import type { OpenIndex } from './open.js'
import type { SharedIndex } from './pool/messages.js'
import type { WorkerPool } from './pool/pool.js'
import type { Searcher } from './search/searcher.js'
import type { SearchEffort } from './tree/snapshot.js'

/** Fewer are searched as they come: they hardly meet in memory, and for an order the threads wait for one another. */
const LEAST_ORDERED = 256

/** What the threads of a batch count together: the task `search` says what. */
const COUNTS = 4

/** A batch to search: queries f32 [count * dim], answers [count * k] in shared memory. */
export interface BatchJob {
  readonly queries: Float32Array
  readonly k: number
  readonly effort: SearchEffort
  readonly outIds: Uint32Array
  readonly outDistances: Float32Array
}

/**
 * Search a batch on this thread, with turns of the event loop in between; `alive` throws when the index was closed. Its queries go
 * as they come: most indexes that are searched here are small.
 */
export async function searchHere(searcher: Searcher, job: BatchJob, pace: Pace, alive: () => void): Promise<void> {
  const { queries, k, effort, outIds, outDistances } = job
  const count = outIds.length / k
  const dim = queries.length / count
  for (let i = 0; i < count; i++) {
    if (pace.due) {
      await pace.turn()
      alive()
    }
    searcher.search(queries.subarray(i * dim, (i + 1) * dim), k, effort, outIds, outDistances, i * k)
  }
}

/** Search a batch on the threads of a pool, until `cancelled` is not 0: one task a thread, which share the queries out. */
async function searchTogether(
  pool: WorkerPool,
  index: SharedIndex,
  job: BatchJob,
  cancelled: Uint32Array,
): Promise<void> {
  const total = job.outIds.length / job.k
  const ordered = total >= LEAST_ORDERED && job.effort.probes > 0
  const order = ordered ? { nodes: sharedU32(total), items: sharedU32(total) } : undefined
  const counts = new Int32Array(sharedBuffer(COUNTS * 4))
  await pool.each('search', pool.threads, 1, { ...job, index, total, order, counts, cancelled })
}

/** The worker pools of one index: made when first needed, one for each number of threads asked for. */
export class BatchPools {
  readonly #pools = new Map<number, Promise<WorkerPool | undefined>>()

  /**
   * Search a batch on worker threads.
   * @returns whether it was searched: not where threads cannot start.
   * @throws {ClosedError} BATL_CLOSED when the pools are closed meanwhile; the signal's reason once it has aborted.
   */
  async search(
    { arena, key, snapshot }: OpenIndex,
    job: BatchJob,
    threads: number,
    signal?: AbortSignal,
  ): Promise<boolean> {
    if (!arena.shared) return false
    let opening = this.#pools.get(threads)
    if (opening === undefined) this.#pools.set(threads, (opening = openSearchPool(threads)))
    const pool = await opening
    if (pool === undefined) return false
    const cancelled = sharedU32(1)
    let abort = (): void => undefined
    const aborted = new Promise<never>((_, reject) => (abort = () => reject(signal!.reason as Error)))
    signal?.addEventListener('abort', abort, { once: true })
    try {
      // A thread is told the setting: the ladder stays here, since it is most of what would be sent.
      const index = { memory: arena.memory, key, snapshot: { ...snapshot, rungs: [] } }
      await Promise.race([searchTogether(pool, index, job, cancelled), aborted])
      return true
    } finally {
      // Whatever ended it: the threads have nothing more to do.
      Atomics.store(cancelled, 0, 1)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** End all threads; searches under way reject. Idempotent. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map(async (pool) => (await pool)?.close()))
  }
}
