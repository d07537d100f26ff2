import { fromPlainError, toPlainError } from '../base/errors.js'
import type { Reply } from '../pool/messages.js'
import { PortPool, startWorker, startWorkers, type StartedWorker } from '../pool/ports.js'
import type { ApartInput, ControlAnswer, ControlMessage } from './director-ports.js'
import type { DirectorOutput, DirectorTask, ProgressMessage } from './director.js'

/**
 * Run the director in a worker behind a port, with workers of its own; all are ended when it is done, fails or is aborted.
 * @param make - starts a worker.
 * @returns undefined where workers cannot start.
 */
export async function directOverPorts(
  task: DirectorTask,
  make: () => unknown,
  signal: AbortSignal | undefined,
  say: (message: ProgressMessage) => void,
): Promise<DirectorOutput | undefined> {
  signal?.throwIfAborted()
  const started = await startWorkers(task.input.options.threads + 1, make)
  if (started === undefined) return undefined
  const [director, ...workers] = started as [StartedWorker, ...StartedWorker[]]
  const { port1: control, port2 } = new MessageChannel()
  const trainers: StartedWorker[] = []
  let fail: (reason: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => (fail = reject))
  const startTrainer = async (): Promise<void> => {
    try {
      const trainer = await startWorker(make)
      trainers.push(trainer)
      control.postMessage({ port: trainer.port } satisfies ControlAnswer, [trainer.port])
    } catch (error) {
      control.postMessage({ error: toPlainError(error) } satisfies ControlAnswer)
    }
  }
  control.onmessage = ({ data }: MessageEvent<ControlMessage>) => {
    try {
      if (!('trainer' in data)) say(data)
      else void startTrainer()
    } catch (error) {
      fail(error)
    }
  }
  const abort = (): void => fail(signal!.reason)
  signal?.addEventListener('abort', abort, { once: true })
  const pool = new PortPool([director])
  try {
    signal?.throwIfAborted()
    const ports = workers.map(({ port }) => port)
    const input: ApartInput = { ...task, control: port2, workers: ports }
    const done = pool.ask(director.port, { name: 'buildApart', input }, [port2, ...ports])
    const reply = (await Promise.race([done, failed])) as Reply<DirectorOutput>
    if ('error' in reply) throw fromPlainError(reply.error)
    return reply.value
  } finally {
    signal?.removeEventListener('abort', abort)
    control.close()
    for (const worker of [...workers, ...trainers]) worker.end()
    await pool.close()
  }
}
