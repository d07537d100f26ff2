import { existsSync } from 'node:fs'
import type { MessagePort, SHARE_ENV } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { fromPlainError } from '../base/errors.js'
import { kernelModule, kernelsShare } from '../kernels/load.js'
import type { Reply, TaskName, Tasks, WorkerData } from './messages.js'
import { WorkerPool } from './pool.js'

/** Options of a set of worker threads. */
export interface ThreadOptions {
  /** How many. */
  readonly threads: number
  /** `SHARE_ENV` for a worker that sets what native code reads from the process's environment. */
  readonly env?: typeof SHARE_ENV
}

/**
 * Bytes of young objects that a thread collects at once. What is big lies outside of its heap, and what is left is little: a
 * larger share would only be held and not used.
 */
const YOUNG_MB = 4

/** What Deno says of its permissions, without asking the user for any. */
interface DenoPermissions {
  readonly Deno?: { readonly permissions: { querySync(what: { name: 'env' }): { state: string } } }
}

/** Whether the environment may be read: a thread of Piscina does. */
function mayReadEnvironment(): boolean {
  const { Deno } = globalThis as DenoPermissions
  return Deno === undefined || Deno.permissions.querySync({ name: 'env' }).state === 'granted'
}

/** Threads on one of the library's files. */
export class Threads {
  readonly #piscina: Piscina

  constructor(piscina: Piscina) {
    this.#piscina = piscina
  }

  /** Run a task of the file on whichever thread is free. */
  async run(task: string, input: unknown, transferList?: readonly MessagePort[]): Promise<unknown> {
    const request = { task, input }
    return this.#piscina.run(request, transferList === undefined ? {} : { transferList: [...transferList] })
  }

  /** End the threads; tasks under way reject. */
  async destroy(): Promise<void> {
    await this.#piscina.destroy()
  }
}

/**
 * Start worker threads on one of the library's files.
 * @param file - where the file should be; a bundler may have left it behind, and its address may not even be one.
 * @returns undefined where threads cannot start.
 */
export async function startPiscina(file: () => URL, { threads, env }: ThreadOptions): Promise<Threads | undefined> {
  if (!kernelsShare() || !mayReadEnvironment()) return undefined
  try {
    const url = file()
    const start = new URL('./piscina-thread.cjs', import.meta.url)
    if (!existsSync(url) || !existsSync(start)) return undefined
    const { Piscina } = await import('piscina')
    const workerData: WorkerData = { module: kernelModule(), file: url.href }
    // A thread that stops loses its compiled code, so the number stays what it is until the pool closes.
    const piscina = new Piscina({
      filename: start.href,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Infinity,
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
      ...(env === undefined ? {} : { env }),
    })
    return new Threads(piscina)
  } catch {
    return undefined
  }
}

/** Worker threads of Node, Bun and Deno. */
export class PiscinaPool extends WorkerPool {
  readonly #threads: Threads

  private constructor(threads: Threads, count: number) {
    super(count)
    this.#threads = threads
  }

  /** Threads on a file that exports the tasks; undefined where they cannot start. */
  static async start(file: () => URL, options: ThreadOptions): Promise<PiscinaPool | undefined> {
    const threads = await startPiscina(file, options)
    return threads === undefined ? undefined : new PiscinaPool(threads, options.threads)
  }

  protected override async perform<K extends TaskName>(name: K, input: Tasks[K]['input']): Promise<Tasks[K]['output']> {
    const reply = (await this.#threads.run(name, input)) as Reply<Tasks[K]['output']>
    if ('error' in reply) throw fromPlainError(reply.error)
    return reply.value
  }

  protected override async end(): Promise<void> {
    await this.#threads.destroy()
  }
}
