import { describe, expect, test } from '@jest/globals'
import type { DirectorTask } from '../../../build/builder/director.js'
import { Trainers } from '../../../build/builder/trainers.js'
import { WorkerPool } from '../../../build/pool/pool.js'
import type { TrainingTask } from '../../../build/train/router.js'

/** A worker that answers as it is told; one that is told nothing answers nothing until it is ended. */
class Puppet extends WorkerPool {
  readonly asked: { name: string; input: unknown }[] = []
  ended = 0
  readonly #answers: Record<string, () => unknown>

  constructor(answers: Record<string, () => unknown>) {
    super(1)
    this.#answers = answers
  }

  protected override async perform(name: string, input: unknown): Promise<never> {
    this.asked.push({ name, input })
    const answer = this.#answers[name]
    if (answer === undefined) return new Promise(() => undefined)
    return answer() as never
  }

  protected override async end(): Promise<void> {
    this.ended++
  }
}

const request = { steps: 1 } as TrainingTask
const silent = (): void => undefined
const fail = (): never => {
  throw new Error('out of memory')
}

/** Trainers over `puppets`, each opened when it is asked for. */
function trainersOf(puppets: readonly Puppet[], threads: number): Trainers {
  const options = { router: 'linear', trainer: 'auto', threads }
  const task = { input: { options, plan: { shape: { arities: [2, 3] }, dim: 4 } }, trainerBase: undefined }
  let opened = 0
  return new Trainers(task as unknown as DirectorTask, async () => puppets[opened++]!)
}

const prepared = (trainer: string) => () => ({ trainer, weights: 40 })

describe('Trainers', () => {
  test.each([
    ['two workers where two threads may work', 'wasm', 2, 2],
    ['one worker on one thread', 'wasm', 1, 1],
    ['one worker where the trainer has threads of its own', 'tfjs-node', 2, 1],
  ])('%s', async (_, trainer, threads, workers) => {
    const puppets = [0, 1].map((i) => new Puppet({ prepareTraining: prepared(trainer), train: () => `result ${i}` }))
    const trainers = trainersOf(puppets, threads)
    trainers.prepare()
    expect(await trainers.train(request, silent)).toBe('result 0')
    expect(await trainers.train(request, silent)).toBe('result 0')
    puppets.forEach(({ asked }, i) =>
      expect(asked.map(({ name }) => name)).toEqual(i < workers ? ['prepareTraining', 'train', 'train'] : []),
    )
    const teams = puppets.flatMap(({ asked }) =>
      asked.filter(({ name }) => name === 'train').map(({ input }) => (input as TrainingTask).team),
    )
    if (workers === 1) expect(teams).toEqual([undefined, undefined])
    else {
      expect(teams.map((team) => team!.half)).toEqual([0, 0, 1, 1])
      expect(new Set(teams.map((team) => team!.memory)).size).toBe(1)
      const { arrivals, sums } = teams[0]!.memory
      expect(sums.map(({ length }) => length)).toEqual([40, 40])
      arrivals[0] = 7
      await trainers.train(request, silent)
      expect(arrivals[0]).toBe(0)
    }
    await trainers.close()
    expect(puppets.map(({ ended }) => ended)).toEqual([1, workers - 1])
  })

  test.each([0, 1])('when worker %i fails, the other is not waited for', async (failing) => {
    const puppets = [0, 1].map(
      (i) => new Puppet({ prepareTraining: prepared('wasm'), ...(i === failing ? { train: fail } : {}) }),
    )
    const trainers = trainersOf(puppets, 2)
    await expect(trainers.train(request, silent)).rejects.toThrow('out of memory')
    expect(puppets.map(({ ended }) => ended)).toEqual([1, 1])
  })

  test('who asks for a training hears that the trainer does not load, and no worker is left', async () => {
    const puppet = new Puppet({ prepareTraining: fail })
    const trainers = trainersOf([puppet], 2)
    trainers.prepare()
    await expect(trainers.train(request, silent)).rejects.toThrow('out of memory')
    await trainers.close()
    expect(puppet.ended).toBe(1)
  })

  test('one worker trains alone where a second does not start', async () => {
    const puppets = [
      new Puppet({ prepareTraining: prepared('wasm'), train: () => 'result' }),
      new Puppet({ prepareTraining: fail }),
    ]
    const trainers = trainersOf(puppets, 2)
    expect(await trainers.train(request, silent)).toBe('result')
    expect((puppets[0]!.asked[1]!.input as TrainingTask).team).toBeUndefined()
    expect(puppets.map(({ ended }) => ended)).toEqual([0, 1])
    await trainers.close()
    expect(puppets.map(({ ended }) => ended)).toEqual([1, 1])
  })
})
