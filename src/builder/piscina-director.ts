import { SHARE_ENV, workerData, type MessagePort } from 'node:worker_threads'
import { toPlainError, UnsupportedError } from '../base/errors.js'
import { setKernelModule } from '../kernels/load.js'
import type { Reply, WorkerData } from '../pool/messages.js'
import { PiscinaPool, type ThreadOptions } from '../pool/piscina.js'
import { restPool, restThread } from '../pool/rest.js'
import type { DirectorOutput, DirectorTask } from './director.js'
import { Trainers } from './trainers.js'

/** The file of the thread that directs a build, with worker threads of its own. Ending it ends those too. */

setKernelModule((workerData as WorkerData).module)

async function open(options: ThreadOptions): Promise<PiscinaPool> {
  const pool = await PiscinaPool.start(() => new URL('../pool/piscina-tasks.js', import.meta.url), options)
  if (pool === undefined) throw new UnsupportedError('the threads of a build cannot start; build with threads: 1')
  return pool
}

export async function build({
  progress,
  ...task
}: DirectorTask & { progress: MessagePort }): Promise<Reply<DirectorOutput>> {
  const opening = open({ threads: task.input.options.threads })
  // TensorFlow's native library reads how much to say from the process's own environment.
  const trainers = new Trainers(task, () => open({ threads: 1, env: SHARE_ENV }))
  try {
    // The steps of a build load while its threads start.
    const [pool, { directBuild }] = await Promise.all([opening, import('./director.js')])
    const output = await directBuild(task, {
      pool,
      say: (message) => progress.postMessage(message),
      rest: async () => void (await Promise.all([restPool(pool), restThread()])),
      prepareTraining: () => trainers.prepare(),
      endTraining: () => trainers.close(),
      train: (request, report) => trainers.train(request, report),
    })
    return { value: output }
  } catch (error) {
    return { error: toPlainError(error) }
  } finally {
    progress.close()
    await trainers.close()
    await opening.then(
      async (pool) => pool.close(),
      () => undefined,
    )
  }
}
