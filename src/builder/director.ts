import { hooks } from '../base/hooks.js'
import type { Phase } from '../base/options.js'
import type { WorkerPool } from '../pool/pool.js'
import type { TrainingTask, TrainResult } from '../train/router.js'
import { buildTrees, type BuildOutput } from './builder.js'
import type { BuildInput, Report } from './context.js'

/**
 * Directs a build: hands blocks of work to a pool and does what is left over. Where there are threads it runs in one of its
 * own, so that the caller's event loop only hears of progress.
 */

/** What a director works on. */
export interface DirectorTask {
  readonly input: BuildInput
  readonly trainerBase: string | undefined
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

/** What a director works with. */
export interface DirectorMeans {
  readonly pool: WorkerPool
  readonly train: (request: TrainingTask, report: Report) => Promise<TrainResult>
  /** Steps that held much memory of their own are done, and nothing refers to it here: give it back to the system. */
  readonly rest: () => Promise<void>
  /** A training comes soon: load what it takes, where that can be done beside other work. */
  readonly prepareTraining: () => void
  /** No training comes any more: give its memory back. */
  readonly endTraining: () => Promise<void>
  readonly say: (message: ProgressMessage) => void
}

/** A task for a director, with what `init` was told on this thread. */
export function directorTask(input: BuildInput): DirectorTask {
  return { input, trainerBase: hooks.trainerBase }
}

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

/** Run a build to its end. */
export async function directBuild({ input, trainerBase }: DirectorTask, means: DirectorMeans): Promise<DirectorOutput> {
  const clock = new Clock()
  const report: Report = (phase, done, total) => {
    clock.enter(phase)
    means.say({ phase, done, total })
  }
  const base = trainerBase === undefined ? {} : { trainerBase }
  const output = await buildTrees(input, {
    pool: means.pool,
    train: async (request, aside = false) => {
      const tell: Report = aside ? () => undefined : report
      tell('train', 0, 1)
      const result = await means.train({ ...request, ...base }, tell)
      tell('train', 1, 1)
      return result
    },
    rest: () => means.rest(),
    prepareTraining: () => means.prepareTraining(),
    endTraining: () => means.endTraining(),
    report,
  })
  clock.enter('tune')
  return { ...output, phaseSeconds: clock.seconds }
}
