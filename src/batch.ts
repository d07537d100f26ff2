import { openSearchPool } from '#search-threads'
import { sharedBuffer } from './base/shared.js'
import type { Pace } from './format/pace.js'
import type { OpenIndex } from './open.js'
import type { WorkerPool } from './pool/pool.js'
import type { Searcher } from './search/searcher.js'
import type { SearchEffort } from './tree/snapshot.js'

/** Queries of a batch that are put in order together, and make a task: at most, and at least. */
const MOST_BLOCK = 1024
const LEAST_BLOCK = 64
/** Tasks a thread, so that all end at about the same time. */
const TASKS = 4

/** A batch to search: queries f32 [count * dim], answers [count * k] in shared memory. */
export interface BatchJob {
  readonly matrix: Float32Array
  readonly k: number
  readonly effort: SearchEffort
  readonly outIds: Uint32Array
  readonly outDistances: Float32Array
}

/** Search a batch on this thread, with turns of the event loop in between; `alive` throws when the index was closed. */
export async function searchHere(searcher: Searcher, job: BatchJob, pace: Pace, alive: () => void): Promise<void> {
  const { matrix, k, effort, outIds, outDistances } = job
  const count = outIds.length / k
  const dim = matrix.length / count
  for (let first = 0; first < count; first += MOST_BLOCK) {
    for (const i of searcher.visitOrder(matrix, first, Math.min(MOST_BLOCK, count - first))) {
      if (pace.due) {
        await pace.turn()
        alive()
      }
      searcher.search(matrix.subarray(i * dim, (i + 1) * dim), k, effort, outIds, outDistances, i * k)
    }
  }
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
    const { matrix, k, effort, outIds, outDistances } = job
    const cancelled = new Int32Array(sharedBuffer(4))
    let abort = (): void => undefined
    const aborted = new Promise<never>((_, reject) => {
      abort = () => {
        Atomics.store(cancelled, 0, 1)
        reject(signal!.reason as Error)
      }
    })
    signal?.addEventListener('abort', abort, { once: true })
    try {
      const index = { memory: arena.memory, key, snapshot }
      const input = { index, queries: matrix, k, effort, cancelled, outIds, outDistances }
      const count = outIds.length / k
      const block = Math.max(LEAST_BLOCK, Math.min(MOST_BLOCK, Math.ceil(count / (TASKS * threads))))
      const work = pool.each('search', count, block, input)
      await Promise.race([work, aborted])
      return true
    } finally {
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
