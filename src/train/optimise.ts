import { BatlError } from '../base/errors.js'
import { Rng } from '../base/rng.js'
import { Adam, decayedRate } from './adam.js'
import type { TrainRequest } from './request.js'
import { QueryStream } from './sample.js'
import type { Tensor, Trainer } from './tf.js'

/** Random numbers of one request are drawn from separate streams, so that one use never shifts another's. */
export const STREAMS = { start: 1, order: 2, paths: 3, temperature: 4 } as const

/** Mean loss of one batch, and its gradient for each of the weights. */
export interface BatchGradient {
  loss: number
  gradients: Tensor[]
}

/**
 * Run the request's steps of Adam over shuffled passes through its labelled queries.
 * @param start - owned and disposed of by this call.
 * @param gradient - of the mean loss of the queries `ids`; its tensors are disposed of by this call.
 * @returns the weights after the last step, in the order of `start`, and the loss of each step.
 * @throws {BatlError} BATL_TRAINING when a loss or a weight is no longer finite.
 */
export async function optimise(
  { tf }: Trainer,
  request: TrainRequest,
  start: readonly Tensor[],
  gradient: (weights: readonly Tensor[], ids: Uint32Array) => BatchGradient,
): Promise<{ weights: Float32Array[]; losses: Float32Array }> {
  const { steps, batch, learningRate, seed, onStep } = request
  const stream = new QueryStream(request, new Rng(seed, STREAMS.order))
  const adam = new Adam(tf, start)
  const losses = new Float32Array(steps)
  try {
    for (let step = 0; step < steps; step++) {
      const { loss, gradients } = gradient(adam.weights, stream.next(batch))
      if (Number.isFinite(loss)) adam.step(gradients, decayedRate(learningRate, step, steps))
      tf.dispose(gradients)
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

function diverged(what: string, learningRate: number): BatlError {
  return new BatlError(
    `training the router diverged: ${what}, at a learning rate of ${learningRate}; ` +
      `lower the learning rate tenfold, and check that the start's weights and the queries are finite and of sane size`,
    'BATL_TRAINING',
  )
}
