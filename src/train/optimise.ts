import { BatlError } from '../base/errors.js'
import { Rng } from '../base/rng.js'
import { sharedF32 } from '../base/shared.js'
import { Exchange, exchangeMemory, halfOf } from '../base/exchange.js'
import { Adam, decayedRate } from './adam.js'
import type { TrainRequest } from './request.js'
import { QueryStream } from './sample.js'
import { valuesOf, type Tensor, type Trainer } from './tf.js'

/** Random numbers of one request are drawn from separate streams, so that one use never shifts another's. */
export const STREAMS = { start: 1, order: 2, paths: 3, temperature: 4 } as const

/** One trainable array, as it starts. */
export interface Weight {
  readonly values: Float32Array
  readonly shape: number[]
}

/**
 * Write the gradients of queries `[from, to)` of a batch, at least one, summed over them and in the order of the weights, to
 * `sums`.
 * @returns their summed loss.
 */
export type BatchGradient = (from: number, to: number, sums: Float32Array) => number

/**
 * Run the request's steps of Adam over shuffled passes through its labelled queries.
 * @param start - is emptied: the weights move on from a memory that threads share.
 * @param prepare - takes the queries of a step, and draws for them what is random.
 * @returns the weights after the last step, in the order of `start`, and the mean loss of each step.
 * @throws {BatlError} BATL_TRAINING when a loss or a weight is no longer finite.
 */
export async function optimise(
  trainer: Trainer,
  request: TrainRequest,
  start: Weight[],
  prepare: (weights: readonly Tensor[], ids: Uint32Array) => BatchGradient,
): Promise<{ weights: Float32Array[]; losses: Float32Array }> {
  const { tf } = trainer
  const { steps, batch, learningRate, seed, onStep, team } = request
  const stream = new QueryStream(request, new Rng(seed, STREAMS.order))
  const total = start.reduce((sum, { values }) => sum + values.length, 0)
  const exchange = new Exchange(team?.memory ?? exchangeMemory(total), team?.half)
  const { first, end, memory } = exchange
  let next = 0
  const parts = start.map(({ values }) => memory.weights.subarray(next, (next += values.length)))
  const shapes = start.map(({ shape }) => shape)
  // Two workers write the same.
  parts.forEach((part, i) => part.set(start[i]!.values))
  start.length = 0
  await request.ready?.()
  const toTensors = (): Tensor[] => parts.map((part, i) => tf.tensor(part, shapes[i]!))
  const adam = new Adam(memory.weights.subarray(first, end))
  const [one, other] = memory.sums.map((sums) => sums.subarray(first, end)) as [Float32Array, Float32Array]
  let tensors = toTensors()
  const losses = new Float32Array(steps)
  try {
    for (let step = 0; step < steps; step++) {
      const ids = stream.next(batch)
      const gradient = prepare(tensors, ids)
      for (const half of exchange.halves) {
        const [from, to] = halfOf(ids.length, half)
        const sums = memory.sums[half]!
        if (from === to) sums.fill(0)
        memory.losses[half] = from === to ? 0 : gradient(from, to, sums)
      }
      tf.dispose(tensors)
      exchange.meet()
      const loss = (memory.losses[0]! + memory.losses[1]!) / ids.length
      if (!Number.isFinite(loss)) throw diverged(`the loss of step ${step + 1} of ${steps} is ${loss}`, learningRate)
      adam.step(one, other, 1 / ids.length, decayedRate(learningRate, step, steps))
      exchange.meet()
      tensors = toTensors()
      losses[step] = loss
      const pause = onStep?.(step + 1, steps)
      if (typeof pause === 'object') await pause
    }
    if (!memory.weights.every(Number.isFinite)) {
      throw diverged(`a weight is not finite after ${steps} steps`, learningRate)
    }
    // What the second of a team returns is not kept: both end with the same.
    return { weights: team?.half === 1 ? parts : parts.map(copied), losses }
  } finally {
    tf.dispose(tensors)
  }
}

/** The same floats where threads can share them: whoever asked for the training gets no copy. */
function copied(floats: Float32Array): Float32Array {
  const copy = sharedF32(floats.length)
  copy.set(floats)
  return copy
}

/**
 * Add the floats of some tensors to `sums`, one after the other.
 * @param first - whether they take the place of what was there instead.
 */
export function addTensors(trainer: Trainer, tensors: readonly Tensor[], sums: Float32Array, first: boolean): void {
  let at = 0
  for (const tensor of tensors) {
    const values = valuesOf(trainer, tensor)
    if (first) sums.set(values, at)
    else for (let i = 0; i < values.length; i++) sums[at + i]! += values[i]!
    at += values.length
  }
}

function diverged(what: string, learningRate: number): BatlError {
  return new BatlError(
    `training the router diverged: ${what}, at a learning rate of ${learningRate}; ` +
      `lower the learning rate tenfold, and check that the start's weights and the queries are finite and of sane size`,
    'BATL_TRAINING',
  )
}
