import type { SHARE_ENV } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { ClosedError, fromPlainError } from '../base/errors.js'
import { kernelModule } from '../kernels/load.js'
import type { Block, Reply, TaskName, Tasks, WorkerData } from './messages.js'

/** How a pool's work over many blocks goes on. */
export type BlockProgress = (done: number, total: number) => void

/** Blocks handed out per thread ahead of time: enough that no thread waits for the caller's. */
const AHEAD = 2

/**
 * A set of worker threads that run the tasks of `Tasks`. They keep nothing of the caller's but shared memory, and an
 * idle pool does not keep the process alive.
 */
export class WorkerPool {
  readonly threads: number
  readonly #piscina: Piscina
  #closed = false

  /**
   * @param threads - how many.
   * @param env - `SHARE_ENV` for a worker that sets what native code reads from the process's environment.
   */
  constructor(threads: number, env?: typeof SHARE_ENV) {
    this.threads = threads
    const workerData: WorkerData = { module: kernelModule() }
    // A thread that stops loses its compiled code, so the number stays what it is until the pool closes.
    this.#piscina = new Piscina({
      filename: new URL('./worker.js', import.meta.url).href,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Infinity,
      workerData,
      ...(env === undefined ? {} : { env }),
    })
  }

  /** Run one task. Errors come back as the class they were thrown as. */
  async run<K extends TaskName>(name: K, input: Tasks[K]['input']): Promise<Tasks[K]['output']> {
    // A pool that was ended would start its threads anew.
    if (this.#closed) throw new ClosedError()
    let reply: Reply<Tasks[K]['output']>
    try {
      reply = (await this.#piscina.run(input, { name })) as Reply<Tasks[K]['output']>
    } catch (cause) {
      if (this.#closed) throw new ClosedError()
      throw cause
    }
    if ('error' in reply) throw fromPlainError(reply.error)
    return reply.value
  }

  /** Run a task over [0, total) in blocks of a size that does not depend on the threads: the result must not either. */
  async each<K extends TaskName>(
    name: K,
    total: number,
    blockSize: number,
    input: Omit<Tasks[K]['input'], keyof Block>,
    progress?: BlockProgress,
  ): Promise<void> {
    let next = 0
    let done = 0
    const worker = async (): Promise<void> => {
      while (next < total) {
        const first = next
        const count = Math.min(blockSize, total - first)
        next += count
        try {
          await this.run(name, { ...input, first, count } as Tasks[K]['input'])
        } catch (error) {
          // Nobody will look at the rest.
          next = total
          throw error
        }
        done += count
        progress?.(done, total)
      }
    }
    await Promise.all(Array.from({ length: this.threads * AHEAD }, worker))
  }

  /** Run some work on this pool and end it: when the work is done, fails, or the signal aborts. */
  async during<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    let abort = (): void => undefined
    const aborted = new Promise<never>((_, reject) => (abort = () => reject(signal!.reason as Error)))
    signal?.addEventListener('abort', abort, { once: true })
    try {
      signal?.throwIfAborted()
      return await Promise.race([work(), aborted])
    } finally {
      signal?.removeEventListener('abort', abort)
      await this.close()
    }
  }

  /** End the threads; tasks under way reject. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#piscina.destroy()
  }
}
