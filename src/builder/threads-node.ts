import { MessageChannel, SHARE_ENV } from 'node:worker_threads'
import { fromPlainError } from '../base/errors.js'
import { hooks } from '../base/hooks.js'
import { Pace } from '../format/pace.js'
import { HerePool, type NamedArena } from '../pool/here.js'
import type { Reply } from '../pool/messages.js'
import { PiscinaPool, startPiscina } from '../pool/piscina.js'
import type { WorkerPool } from '../pool/pool.js'
import { startWorkers, PortPool } from '../pool/ports.js'
import type { DirectorOutput, DirectorTask, ProgressMessage } from './director.js'
import { directOverPorts } from './threads-ports.js'
import { directHere } from './here.js'

/** How a build gets its threads in Node, Bun and Deno (`#threads` in package.json); one thread silently where it gets none. */

/** A pool for work on one memory. */
export async function openPool(
  threads: number,
  memory: NamedArena,
  signal: AbortSignal | undefined,
): Promise<WorkerPool> {
  if (hooks.worker !== undefined) {
    const workers = await startWorkers(threads, hooks.worker)
    if (workers !== undefined) return new PortPool(workers)
  }
  const file = (): URL => new URL('../pool/piscina-tasks.js', import.meta.url)
  return (await PiscinaPool.start(file, { threads })) ?? new HerePool(memory, new Pace(signal))
}

/** Run the director in a thread of its own, which is ended with its workers when it is done, fails or is aborted. */
export async function direct(
  task: DirectorTask,
  memory: NamedArena,
  signal: AbortSignal | undefined,
  say: (message: ProgressMessage) => void,
): Promise<DirectorOutput> {
  if (hooks.worker !== undefined) {
    const output = await directOverPorts(task, hooks.worker, signal, say)
    if (output !== undefined) return output
  }
  const thread = await startPiscina(() => new URL('./piscina-director.js', import.meta.url), {
    threads: 1,
    // The training worker below it sets what TensorFlow's native library reads from the process's own environment.
    env: SHARE_ENV,
  })
  if (thread === undefined) return directHere(task, memory, signal, say)
  const { port1, port2 } = new MessageChannel()
  let fail: (reason: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => (fail = reject))
  const abort = (): void => fail(signal!.reason)
  port1.on('message', (message: ProgressMessage) => {
    try {
      say(message)
    } catch (error) {
      fail(error)
    }
  })
  signal?.addEventListener('abort', abort, { once: true })
  try {
    signal?.throwIfAborted()
    const done = thread.run('build', { ...task, progress: port2 }, [port2]) as Promise<Reply<DirectorOutput>>
    const reply = await Promise.race([done, failed])
    if ('error' in reply) throw fromPlainError(reply.error)
    return reply.value
  } finally {
    signal?.removeEventListener('abort', abort)
    port1.close()
    await thread.destroy()
  }
}
