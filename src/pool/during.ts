import type { TaskName, Tasks } from './messages.js'
import { WorkerPool } from './pool.js'

/** Run some work on a pool and end it: when the work is done, fails, or the signal aborts. */
export async function during<T>(pool: WorkerPool, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  let abort = (): void => undefined
  const aborted = new Promise<never>((_, reject) => (abort = () => reject(signal!.reason as Error)))
  signal?.addEventListener('abort', abort, { once: true })
  try {
    signal?.throwIfAborted()
    return await Promise.race([work(), aborted])
  } finally {
    signal?.removeEventListener('abort', abort)
    await pool.close()
  }
}

/**
 * Another pool of as many threads, for work on a memory that is to go with it. Where no more threads start these are the
 * same ones, and ending it leaves them.
 */
export async function anotherPool(pool: WorkerPool): Promise<WorkerPool> {
  return (await pool.another?.()) ?? new BorrowedPool(pool)
}

/** The threads of another pool. */
class BorrowedPool extends WorkerPool {
  readonly #owner: WorkerPool

  constructor(owner: WorkerPool) {
    super(owner.threads)
    this.#owner = owner
  }

  protected override perform<K extends TaskName>(name: K, input: Tasks[K]['input']): Promise<Tasks[K]['output']> {
    return this.#owner.run(name, input)
  }

  protected override async end(): Promise<void> {}
}
