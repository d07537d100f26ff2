import { sharedBuffer } from '../base/shared.js'
import { exchangeMemory, HALVES, type ExchangeMemory } from '../base/exchange.js'
import type { WorkerPool } from '../pool/pool.js'
import { restPool } from '../pool/rest.js'
import type { Prepared, TrainingPlan, TrainingTask, TrainResult } from '../train/router.js'
import { isLarge, type Report } from './context.js'
import type { DirectorTask } from './director.js'

/** How often the progress of a training is looked at. */
const POLL_MS = 100

/** Workers that are ready to train, and the memory through which they do it together. */
interface Team {
  readonly pools: readonly WorkerPool[]
  readonly memory: ExchangeMemory | undefined
}

/**
 * The workers that train: they do nothing else, since the memory of TensorFlow.js never shrinks, and end with the build. Its WASM
 * backend has one thread, so two workers share each step where the build may use two threads and both start; tfjs-node has
 * threads of its own.
 */
export class Trainers {
  readonly #task: DirectorTask
  readonly #open: () => Promise<WorkerPool>
  #team: Promise<Team> | undefined

  /** @param open - starts a worker, as a pool of one. */
  constructor(task: DirectorTask, open: () => Promise<WorkerPool>) {
    this.#task = task
    this.#open = open
  }

  /** Start them ahead of a training. */
  prepare(): void {
    this.#team ??= this.#start()
    // Who asks for them hears of their failure.
    this.#team.catch(() => undefined)
  }

  /** Train on all of them, and look at how far it is. */
  async train(request: TrainingTask, report: Report): Promise<TrainResult> {
    this.prepare()
    const { pools, memory } = await this.#team!
    memory?.arrivals.fill(0)
    const progress = pools.map(() => new Int32Array(sharedBuffer(8)))
    const timer = setInterval(() => {
      const [done, total] = progress[0]!
      if (total! > 0) report('train', done!, total!)
    }, POLL_MS)
    try {
      const results = await Promise.all(
        pools.map(async (pool, half) => {
          const team = memory === undefined ? {} : { team: { memory, half } }
          return pool.run('train', { ...request, ...team, progress: progress[half]! })
        }),
      )
      return results[0]!
    } catch (error) {
      // The other one waits for ever.
      await this.close()
      throw error
    } finally {
      clearInterval(timer)
    }
  }

  async #start(): Promise<Team> {
    const { input, trainerBase } = this.#task
    const { options, plan } = input
    const { router, trainer } = options
    const work = {
      router,
      arities: plan.shape.arities,
      dim: plan.dim,
      ...(trainerBase === undefined ? {} : { trainerBase }),
    }
    const first = await this.#ready({ ...work, trainer })
    const { weights } = first
    const second =
      first.trainer === 'wasm' && options.threads >= HALVES
        ? await this.#ready({ ...work, trainer: 'wasm' }).catch(() => undefined)
        : undefined
    if (second === undefined) return { pools: [first.pool], memory: undefined }
    return { pools: [first.pool, second.pool], memory: exchangeMemory(weights) }
  }

  /** A worker that has loaded what trains. */
  async #ready(plan: TrainingPlan): Promise<Prepared & { pool: WorkerPool }> {
    const pool = await this.#open()
    try {
      const prepared = await pool.run('prepareTraining', plan)
      // What it took to load is several megabytes more than what is loaded.
      if (isLarge(this.#task.input.plan.size)) await restPool(pool)
      return { pool, ...prepared }
    } catch (error) {
      await pool.close()
      throw error
    }
  }

  /** End them. */
  async close(): Promise<void> {
    const team = this.#team
    this.#team = undefined
    await team?.then(
      async ({ pools }) => Promise.all(pools.map(async (pool) => pool.close())),
      () => undefined,
    )
  }
}
