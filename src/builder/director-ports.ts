import { toPlainError } from '../base/errors.js'
import type { Reply } from '../pool/messages.js'
import { PortPool, type StartedWorker } from '../pool/ports.js'
import { restPool, restThread } from '../pool/rest.js'
import { directBuild, type DirectorOutput, type DirectorTask, type ProgressMessage } from './director.js'
import { Trainers } from './trainers.js'

/** What a director behind a port is given: its task, a port to the thread that asked, and ports to its workers. */
export interface ApartInput extends DirectorTask {
  readonly control: MessagePort
  readonly workers: readonly MessagePort[]
}

/** From the director: how far it is, or a wish for a worker that trains. */
export type ControlMessage = ProgressMessage | { readonly trainer: 'start' }
/** To the director: the worker that it asked for. */
export type ControlAnswer = { readonly port: MessagePort } | Extract<Reply<never>, { error: unknown }>

/** Direct a build from a worker, with workers that the asking thread started: not every bundler lets workers start workers. */
export async function buildApart({ control, workers, ...task }: ApartInput): Promise<Reply<DirectorOutput>> {
  const pool = new PortPool(workers.map((port) => ({ port, end: () => undefined })))
  const say = (message: ControlMessage): void => control.postMessage(message)
  const trainers = new Trainers(task, async () => new PortPool([await askForTrainer(control)]))
  try {
    const output = await directBuild(task, {
      pool,
      say,
      rest: async () => void (await Promise.all([restPool(pool), restThread()])),
      prepareTraining: () => trainers.prepare(),
      endTraining: () => trainers.close(),
      train: (request, report) => trainers.train(request, report),
    })
    return { value: output }
  } catch (error) {
    return { error: toPlainError(error) }
  } finally {
    await trainers.close()
  }
}

function askForTrainer(control: MessagePort): Promise<StartedWorker> {
  return new Promise((resolve, reject) => {
    control.onmessage = ({ data }: MessageEvent<ControlAnswer>) => {
      if ('port' in data) resolve({ port: data.port, end: () => undefined })
      else reject(new Error(data.error.message))
    }
    control.postMessage({ trainer: 'start' } satisfies ControlMessage)
  })
}
