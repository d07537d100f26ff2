import { fromPlainError, UnsupportedError } from '../base/errors.js'
import { hooks } from '../base/hooks.js'
import { kernelModule } from '../kernels/load.js'
import type { Reply, TaskName, Tasks } from './messages.js'
import { WorkerPool } from './pool.js'
import type { Greeting } from './serve.js'

/**
 * Workers that talk over message ports: Web Workers, and those that the caller's own function starts on any runtime. A
 * port can be handed on to another worker, so one thread starts workers for another.
 */

/** Longest that a worker may take to answer its greeting, in milliseconds: one that never does is none of ours. */
const START_MS = 20_000

/** A worker that answers on a port. */
export interface StartedWorker {
  readonly port: MessagePort
  end(): void
}

/** What workers of browsers and of Node have in common. */
interface AnyWorker {
  postMessage(message: unknown, transfer: readonly unknown[]): void
  terminate?(): unknown
  addEventListener?(name: 'error', listener: (event: unknown) => void): void
  on?(name: 'error', listener: (error: unknown) => void): void
  unref?(): void
}

/**
 * Start a worker and wait until it answers.
 * @param make - makes the library's own worker, unless `init` was told another way.
 */
export async function startWorker(make: () => unknown): Promise<StartedWorker> {
  const worker = (hooks.worker ?? make)() as AnyWorker
  const { port1, port2 } = new MessageChannel()
  const end = (): void => {
    port1.close()
    void worker.terminate?.()
  }
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('it does not answer')), START_MS)
      const fail = (event: unknown): void => reject(event as Error)
      if (worker.addEventListener !== undefined) worker.addEventListener('error', fail)
      else worker.on?.('error', fail)
      port1.onmessage = () => resolve()
      worker.postMessage({ batl: 1, module: kernelModule(), port: port2 } satisfies Greeting, [port2])
    })
  } catch (error) {
    end()
    throw error
  } finally {
    clearTimeout(timer)
  }
  worker.unref?.()
  rest(port1)
  return { port: port1, end }
}

/** Start some workers, or none at all. */
export async function startWorkers(count: number, make: () => unknown): Promise<StartedWorker[] | undefined> {
  const started = await Promise.allSettled(Array.from({ length: count }, async () => startWorker(make)))
  const workers = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  if (workers.length === count) return workers
  for (const worker of workers) worker.end()
  return undefined
}

/** Node counts a port with a listener as work: one that waits for nothing must not keep the process alive. */
function rest(port: MessagePort): void {
  ;(port as { unref?: () => void }).unref?.()
}

interface Waiting {
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Runs tasks on workers behind ports, each one task after the other. */
export class PortPool extends WorkerPool {
  readonly #workers: readonly StartedWorker[]
  readonly #idle: StartedWorker[]
  readonly #queue: ((worker: StartedWorker) => void)[] = []
  readonly #waiting = new Set<Waiting>()

  constructor(workers: readonly StartedWorker[]) {
    super(workers.length)
    this.#workers = workers
    this.#idle = [...workers]
  }

  protected override async perform<K extends TaskName>(name: K, input: Tasks[K]['input']): Promise<Tasks[K]['output']> {
    const worker = this.#idle.pop() ?? (await new Promise<StartedWorker>((resolve) => this.#queue.push(resolve)))
    try {
      const reply = (await this.ask(worker.port, { name, input })) as Reply<Tasks[K]['output']>
      if ('error' in reply) throw fromPlainError(reply.error)
      return reply.value
    } finally {
      const next = this.#queue.shift()
      if (next === undefined) this.#idle.push(worker)
      else next(worker)
    }
  }

  /** Post a request and wait for its answer, which the end of the pool rejects. */
  ask(port: MessagePort, message: unknown, transfer: Transferable[] = []): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject }
      this.#waiting.add(waiting)
      port.onmessage = ({ data }) => {
        this.#waiting.delete(waiting)
        rest(port)
        resolve(data)
      }
      port.postMessage(message, transfer)
    })
  }

  protected override async end(): Promise<void> {
    for (const worker of this.#workers) worker.end()
    for (const { reject } of this.#waiting) reject(new UnsupportedError('the workers were ended'))
    this.#waiting.clear()
  }
}
