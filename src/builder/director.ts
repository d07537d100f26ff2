import { isMainThread, SHARE_ENV, workerData, type MessagePort } from 'node:worker_threads'
import { toPlainError } from '../base/errors.js'
import type { Phase } from '../base/options.js'
import { setKernelModule } from '../kernels/load.js'
import type { Reply, Tasks, WorkerData } from '../pool/messages.js'
import { WorkerPool } from '../pool/pool.js'
import type { TrainResult } from '../train/router.js'
import { buildTrees, type BuildOutput } from './builder.js'
import type { BuildInput } from './context.js'

/**
 * The thread that directs a build: it hands blocks of work to a pool of its own and does what is left over, so that the
 * caller's event loop only hears of progress. Ending this thread ends its workers too.
 */

/** How often the training worker's progress is looked at. */
const TRAIN_POLL_MS = 100

export interface DirectorTask {
  readonly input: BuildInput
  readonly progress: MessagePort
}

/** What the director says of its progress. */
export interface ProgressMessage {
  readonly phase: Phase
  readonly done: number
  readonly total: number
}

/** A build as it ended. */
export interface DirectorOutput extends BuildOutput {
  readonly phaseSeconds: Partial<Record<Phase, number>>
}

if (!isMainThread) setKernelModule((workerData as WorkerData).module)

/** Passes progress on, and keeps the time of each phase. */
class Clock {
  readonly seconds: Partial<Record<Phase, number>> = {}
  #phase: Phase = 'partition'
  #since = performance.now()

  enter(phase: Phase): void {
    const now = performance.now()
    this.seconds[this.#phase] = (this.seconds[this.#phase] ?? 0) + (now - this.#since) / 1000
    this.#since = now
    this.#phase = phase
  }
}

export async function build({ input, progress }: DirectorTask): Promise<Reply<DirectorOutput>> {
  const pool = new WorkerPool(input.options.threads)
  const clock = new Clock()
  const report = (phase: Phase, done: number, total: number): void => {
    clock.enter(phase)
    progress.postMessage({ phase, done, total } satisfies ProgressMessage)
  }
  try {
    const output = await buildTrees(input, pool, (request) => trainApart(request, report), report)
    clock.enter('tune')
    return { value: { ...output, phaseSeconds: clock.seconds } }
  } catch (error) {
    return { error: toPlainError(error) }
  } finally {
    progress.close()
    await pool.close()
  }
}

/** Train in a worker of its own that ends with the training. */
async function trainApart(
  request: Omit<Tasks['train']['input'], 'progress'>,
  report: (phase: Phase, done: number, total: number) => void,
): Promise<TrainResult> {
  // TensorFlow's native library reads how much to say from the process's own environment.
  const pool = new WorkerPool(1, SHARE_ENV)
  const progress = new Int32Array(new SharedArrayBuffer(8))
  report('train', 0, 1)
  const timer = setInterval(() => {
    const total = Atomics.load(progress, 1)
    if (total > 0) report('train', Atomics.load(progress, 0), total)
  }, TRAIN_POLL_MS)
  try {
    const result = await pool.run('train', { ...request, progress })
    report('train', 1, 1)
    return result
  } finally {
    clearInterval(timer)
    await pool.close()
  }
}
