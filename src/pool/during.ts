import type { WorkerPool } from './pool.js'

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
