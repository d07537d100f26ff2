import { SHARE_ENV, workerData, type MessagePort } from 'node:worker_threads'
import { toPlainError, UnsupportedError } from '../base/errors.js'
import { setKernelModule } from '../kernels/load.js'
import { during } from '../pool/during.js'
import type { Reply, WorkerData } from '../pool/messages.js'
import { PiscinaPool, type ThreadOptions } from '../pool/piscina.js'
import { directBuild, trainOn, type DirectorOutput, type DirectorTask } from './director.js'

/** The file of the thread that directs a build, with worker threads of its own. Ending it ends those too. */

setKernelModule((workerData as WorkerData).module)

async function open(options: ThreadOptions): Promise<PiscinaPool> {
  const pool = await PiscinaPool.start(() => new URL('../pool/piscina-tasks.js', import.meta.url), options)
  if (pool === undefined) throw new UnsupportedError('the threads of a build cannot start; build with threads: 1')
  return pool
}

/**
 * The workers that train, one for each training, which ends with it: the memory of TensorFlow.js never shrinks. One may be
 * made ready while there is other work.
 */
class Trainers {
  readonly #task: DirectorTask
  #ready: Promise<PiscinaPool> | undefined

  constructor(task: DirectorTask) {
    this.#task = task
  }

  prepare(): void {
    this.#ready ??= this.#load()
    // Who asks for it hears of its failure.
    this.#ready.catch(() => undefined)
  }

  async #load(): Promise<PiscinaPool> {
    const { input, trainerBase } = this.#task
    // TensorFlow's native library reads how much to say from the process's own environment.
    const pool = await open({ threads: 1, env: SHARE_ENV })
    try {
      const base = trainerBase === undefined ? {} : { trainerBase }
      await pool.run('prepareTraining', { trainer: input.options.trainer, ...base })
      return pool
    } catch (error) {
      await pool.close()
      throw error
    }
  }

  async take(): Promise<PiscinaPool> {
    this.prepare()
    const ready = this.#ready!
    this.#ready = undefined
    return ready
  }

  /** End one that nobody took. */
  async close(): Promise<void> {
    await this.#ready?.then(
      (pool) => pool.close(),
      () => undefined,
    )
  }
}

export async function build({
  progress,
  ...task
}: DirectorTask & { progress: MessagePort }): Promise<Reply<DirectorOutput>> {
  let pool: PiscinaPool | undefined
  const trainers = new Trainers(task)
  try {
    pool = await open({ threads: task.input.options.threads })
    const output = await directBuild(task, {
      pool,
      say: (message) => progress.postMessage(message),
      prepareTraining: () => trainers.prepare(),
      train: async (request, report) => {
        const trainer = await trainers.take()
        return during(trainer, undefined, () => trainOn(trainer, request, report))
      },
    })
    return { value: output }
  } catch (error) {
    return { error: toPlainError(error) }
  } finally {
    progress.close()
    await trainers.close()
    await pool?.close()
  }
}
