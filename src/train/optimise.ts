import { BatlError } from '../base/errors.js'
import { Rng } from '../base/rng.js'
import { Exchange, HALVES } from '../base/exchange.js'
import { Adam, decayedRate } from './adam.js'
import type { TrainRequest } from './request.js'
import { QueryStream } from './sample.js'
import { valuesOf, type Tensor, type Tf, type Trainer } from './tf.js'

/** Random numbers of one request are drawn from separate streams, so that one use never shifts another's. */
export const STREAMS = { start: 1, order: 2, paths: 3, temperature: 4 } as const

/** Loss and gradient for each of the weights, both summed over some queries. */
export interface SummedGradient {
  loss: number
  gradients: Tensor[]
}

/** Loss and gradient of queries `[from, to)` of a batch; the tensors are the caller's. */
export type BatchGradient = (from: number, to: number) => SummedGradient

/**
 * Run the request's steps of Adam over shuffled passes through its labelled queries.
 * @param start - owned and disposed of by this call.
 * @param prepare - takes the queries of a step, and draws for them what is random.
 * @returns the weights after the last step, in the order of `start`, and the mean loss of each step.
 * @throws {BatlError} BATL_TRAINING when a loss or a weight is no longer finite.
 */
export async function optimise(
  trainer: Trainer,
  request: TrainRequest,
  start: readonly Tensor[],
  prepare: (weights: readonly Tensor[], ids: Uint32Array) => BatchGradient,
): Promise<{ weights: Float32Array[]; losses: Float32Array }> {
  const { tf } = trainer
  const { steps, batch, learningRate, seed, onStep, team } = request
  const stream = new QueryStream(request, new Rng(seed, STREAMS.order))
  const exchange = team === undefined ? undefined : new Exchange(team.memory, team.half)
  const adam = new Adam(tf, start)
  const losses = new Float32Array(steps)
  try {
    for (let step = 0; step < steps; step++) {
      const ids = stream.next(batch)
      const gradient = prepare(adam.weights, ids)
      const sums =
        exchange === undefined || ids.length < HALVES
          ? sumHalves(tf, gradient, ids.length)
          : shareHalves(trainer, gradient, ids.length, exchange)
      const loss = sums.loss / ids.length
      if (Number.isFinite(loss)) {
        const means = sums.gradients.map((sum) => tf.mul(sum, 1 / ids.length))
        adam.step(means, decayedRate(learningRate, step, steps))
        tf.dispose(means)
      }
      tf.dispose(sums.gradients)
      if (!Number.isFinite(loss)) throw diverged(`the loss of step ${step + 1} of ${steps} is ${loss}`, learningRate)
      losses[step] = loss
      const pause = onStep?.(step + 1, steps)
      if (typeof pause === 'object') await pause
    }
    const weights = adam.weights.map((weight) => Float32Array.from(weight.dataSync()))
    if (!weights.every((values) => values.every(Number.isFinite))) {
      throw diverged(`a weight is not finite after ${steps} steps`, learningRate)
    }
    return { weights, losses }
  } finally {
    adam.dispose()
  }
}

/** Where the second half of a batch begins. */
function middle(count: number): number {
  return Math.ceil(count / 2)
}

/** Both halves on this thread. */
function sumHalves(tf: Tf, gradient: BatchGradient, count: number): SummedGradient {
  const first = gradient(0, middle(count))
  if (count < HALVES) return first
  const second = gradient(middle(count), count)
  const gradients = first.gradients.map((sum, i) => tf.add(sum, second.gradients[i]!))
  tf.dispose([...first.gradients, ...second.gradients])
  return { loss: first.loss + second.loss, gradients }
}

/** One half on this thread, the other on another that waits for this one's. */
function shareHalves(trainer: Trainer, gradient: BatchGradient, count: number, exchange: Exchange): SummedGradient {
  const { tf } = trainer
  const own = exchange.half === 0 ? gradient(0, middle(count)) : gradient(middle(count), count)
  const values = own.gradients.map((sum) => valuesOf(trainer, sum))
  const sums = exchange.swap(own.loss, values, (loss, gradients) =>
    tf.tidy(() => ({
      loss: own.loss + loss,
      gradients: own.gradients.map((sum, i) => tf.add(sum, tf.tensor(gradients[i]!, sum.shape))),
    })),
  )
  tf.dispose(own.gradients)
  return sums
}

function diverged(what: string, learningRate: number): BatlError {
  return new BatlError(
    `training the router diverged: ${what}, at a learning rate of ${learningRate}; ` +
      `lower the learning rate tenfold, and check that the start's weights and the queries are finite and of sane size`,
    'BATL_TRAINING',
  )
}
