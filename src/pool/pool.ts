import { ClosedError } from '../base/errors.js'
import type { Block, TaskName, Tasks } from './messages.js'

/** How a pool's work over many blocks goes on. */
export type BlockProgress = (done: number, total: number) => void

/** Blocks handed out per thread ahead of time: enough that no thread waits for the caller's. */
const AHEAD = 2

/**
 * Runs the tasks of `Tasks`: on worker threads, or on this one where there are none. Threads keep nothing of the caller's
 * but shared memory, and an idle pool does not keep the process alive.
 */
export abstract class WorkerPool {
  /** How many threads work. */
  readonly threads: number
  #closed = false

  constructor(threads: number) {
    this.threads = threads
  }

  /** Run a task wherever this pool's threads are; errors come back as the class they were thrown as. */
  protected abstract perform<K extends TaskName>(name: K, input: Tasks[K]['input']): Promise<Tasks[K]['output']>

  /** Give the threads back. */
  protected abstract end(): Promise<void>

  /** Run one task. Errors come back as the class they were thrown as. */
  async run<K extends TaskName>(name: K, input: Tasks[K]['input']): Promise<Tasks[K]['output']> {
    if (this.#closed) throw new ClosedError()
    try {
      return await this.perform(name, input)
    } catch (cause) {
      // A pool that ends rejects what is under way, each kind in its own words.
      if (this.#closed) throw new ClosedError()
      throw cause
    }
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

  /** End the threads; tasks under way reject. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    await this.end()
  }
}
