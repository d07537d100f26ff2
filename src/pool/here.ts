import { fromPlainError } from '../base/errors.js'
import type { Arena } from '../kernels/memory.js'
import { dropArena, lendArena } from './arenas.js'
import type { Reply, TaskName, Tasks } from './messages.js'
import { WorkerPool } from './pool.js'
import { dropSearchers } from './searchers.js'

/** The memory that the tasks of a pool work on, with the number that names it. */
export interface NamedArena {
  readonly arena: Arena
  readonly key: number
}

/** Lets other work of the thread have its turn; throws when this work is to stop. */
export interface Turns {
  turn(): Promise<void>
}

/**
 * Where there are no threads: the tasks run on the caller's, block after block, with turns of its event loop in between.
 */
export class HerePool extends WorkerPool {
  readonly #turns: Turns
  readonly #key: number
  /** The turn under way: blocks that come meanwhile wait for it too, and go on in the order in which they came. */
  #turn: Promise<void> | undefined

  constructor({ arena, key }: NamedArena, turns: Turns) {
    super(1)
    this.#turns = turns
    this.#key = key
    lendArena(key, arena)
  }

  protected override async perform<K extends TaskName>(name: K, input: Tasks[K]['input']): Promise<Tasks[K]['output']> {
    this.#turn ??= this.#turns.turn().finally(() => {
      this.#turn = undefined
    })
    await this.#turn
    const tasks = (await import('./worker.js')) as unknown as Record<TaskName, (input: unknown) => Promise<unknown>>
    const reply = (await tasks[name](input)) as Reply<Tasks[K]['output']>
    if ('error' in reply) throw fromPlainError(reply.error)
    return reply.value
  }

  protected override async end(): Promise<void> {
    dropSearchers(this.#key)
    dropArena(this.#key)
  }
}
