import { trainLinear } from './linear.js'
import { checkRequest } from './request.js'
import type { TrainRequest, TrainResult } from './request.js'
import { trainResidual } from './residual.js'
import { trainSeq2seq } from './seq2seq.js'
import { mixStart } from './start.js'
import { loadTrainer } from './tf.js'

export type { TrainRequest, TrainResult } from './request.js'

/**
 * Train a router and write it as the tables that inference reads. Blocks its thread for as long as it takes and leaves
 * TensorFlow.js's memory behind: call it in a worker that ends afterwards; ending the worker also is how to abort.
 * The same request gives the same bits with the same trainer on the same machine.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when the request's fields do not fit each other.
 * @throws {UnsupportedError} BATL_UNSUPPORTED when the trainer asked for does not work here.
 * @throws {BatlError} BATL_TRAINING when training diverges; tables are never returned with a value that is not finite.
 */
export async function trainRouter(request: TrainRequest): Promise<TrainResult> {
  const shape = checkRequest(request)
  const trainer = await loadTrainer(request.trainer, request.trainerBase)
  switch (request.router) {
    case 'linear':
      return trainLinear(trainer, request, shape)
    case 'residual':
      return trainResidual(trainer, request, shape)
    case 'seq2seq':
      return trainSeq2seq(trainer, request, shape)
  }
}

/**
 * Load TensorFlow.js and start its backend ahead of a training on this thread.
 * @throws {UnsupportedError} BATL_UNSUPPORTED as `trainRouter`.
 */
export async function prepareTrainer(trainer: TrainRequest['trainer'], trainerBase?: string): Promise<void> {
  await loadTrainer(trainer, trainerBase)
}

/** A training as the builder asks for it: `mix` moves a geometric start towards the queries first. */
export type TrainingTask = Omit<TrainRequest, 'onStep'> & { mix: boolean; usesNorm: boolean }

/** Do what a task says; errors as `trainRouter`. */
export async function runTraining(
  { mix, usesNorm, ...request }: TrainingTask,
  onStep: NonNullable<TrainRequest['onStep']>,
): Promise<TrainResult> {
  if (mix) mixStart(request, usesNorm)
  return trainRouter({ ...request, onStep })
}
