import { openSearchPool } from '#search-threads'
import { sharedBuffer } from './base/shared.js'
import type { Pace } from './format/pace.js'
import type { OpenIndex } from './open.js'
import type { WorkerPool } from './pool/pool.js'
import type { Searcher } from './search/searcher.js'
import { visitOrder } from './search/visit-order.js'
import type { SearchEffort, Snapshot } from './tree/snapshot.js'

/** Queries of a batch that are put in order together: within a few milliseconds at most. */
const PART = 1 << 18
/** Fewer are searched as they come: they hardly meet in memory, and an order takes a turn of the threads. */
const LEAST_ORDERED = 256
/** Queries that a thread claims at a time: at most so many, and in so many claims a thread that all end at about the same time. */
const MOST_CLAIM = 64
const CLAIMS = 16

/** A batch to search: queries f32 [count * dim], answers [count * k] in shared memory. */
export interface BatchJob {
  readonly matrix: Float32Array
  readonly k: number
  readonly effort: SearchEffort
  readonly outIds: Uint32Array
  readonly outDistances: Float32Array
}

/** Whether it pays to search `count` queries in another order than theirs. */
function ordered({ tree }: Snapshot, { probes }: SearchEffort, count: number): boolean {
  return count >= LEAST_ORDERED && tree.length > 0 && probes > 0
}

/** Search a batch on this thread, with turns of the event loop in between; `alive` throws when the index was closed. */
export async function searchHere(
  searcher: Searcher,
  snapshot: Snapshot,
  job: BatchJob,
  pace: Pace,
  alive: () => void,
): Promise<void> {
  const { matrix, k, effort, outIds, outDistances } = job
  const count = outIds.length / k
  const { dim, shape } = snapshot
  const query = (i: number): Float32Array => matrix.subarray(i * dim, (i + 1) * dim)
  const turn = async (): Promise<void> => {
    await pace.turn()
    alive()
  }
  for (let first = 0; first < count; first += PART) {
    const order = Uint32Array.from({ length: Math.min(PART, count - first) }, (_, place) => place)
    if (ordered(snapshot, effort, order.length)) {
      const nodes = new Uint32Array(order.length)
      for (let at = 0; at < nodes.length; at++) {
        if (pace.due) await turn()
        nodes[at] = searcher.firstNode(query(first + at))
      }
      visitOrder(nodes, shape.nodeCounts[0]!, order)
    }
    for (const place of order) {
      if (pace.due) await turn()
      const i = first + place
      searcher.search(query(i), k, effort, outIds, outDistances, i * k)
    }
  }
}

/** Search a batch on the threads of a pool, until `cancelled` is not 0. */
async function searchTogether(
  pool: WorkerPool,
  { arena, key, snapshot }: OpenIndex,
  job: BatchJob,
  cancelled: Int32Array,
): Promise<void> {
  const { matrix: queries, k, effort, outIds, outDistances } = job
  const total = outIds.length / k
  const index = { memory: arena.memory, key, snapshot }
  for (let first = 0; first < total && cancelled[0] === 0; first += PART) {
    const count = Math.min(PART, total - first)
    const claim = Math.min(MOST_CLAIM, Math.ceil(count / (CLAIMS * pool.threads)))
    const part = { index, queries, first, count, claim, cancelled }
    const unclaimed = (): Int32Array => new Int32Array(sharedBuffer(4))
    let order: Uint32Array | undefined
    if (ordered(snapshot, effort, count)) {
      const nodes = new Uint32Array(sharedBuffer(count * 4))
      await pool.together('firstNodes', { ...part, claimed: unclaimed(), out: nodes })
      if (cancelled[0] !== 0) return
      order = new Uint32Array(sharedBuffer(count * 4))
      visitOrder(nodes, snapshot.shape.nodeCounts[0]!, order)
    }
    const how = order === undefined ? {} : { order }
    await pool.together('search', { ...part, ...how, claimed: unclaimed(), k, effort, outIds, outDistances })
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
  async search(index: OpenIndex, job: BatchJob, threads: number, signal?: AbortSignal): Promise<boolean> {
    if (!index.arena.shared) return false
    let opening = this.#pools.get(threads)
    if (opening === undefined) this.#pools.set(threads, (opening = openSearchPool(threads)))
    const pool = await opening
    if (pool === undefined) return false
    const cancelled = new Int32Array(sharedBuffer(4))
    let abort = (): void => undefined
    const aborted = new Promise<never>((_, reject) => (abort = () => reject(signal!.reason as Error)))
    signal?.addEventListener('abort', abort, { once: true })
    try {
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
