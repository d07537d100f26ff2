import { loadBuildKernels } from '../kernels/load-build.js'
import { treeShape, type TreeShape } from '../tree/shape.js'
import { trainLinear } from './linear.js'
import { checkRequest } from './request.js'
import type { TrainRequest, TrainResult } from './request.js'
import { encoderSizes, trainResidual } from './residual.js'
import { trainSeq2seq } from './seq2seq.js'
import { seq2seqParameters } from './seq2seq-model.js'
import { mixStart } from './start.js'
import { loadTrainer, type TrainerName } from './tf.js'

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
  await loadBuildKernels()
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

/** What a thread needs to know ahead of its trainings. */
export type TrainingPlan = Pick<TrainRequest, 'router' | 'arities' | 'dim' | 'trainer' | 'trainerBase'>

/** What will train on a thread, and how many floats. */
export interface Prepared {
  readonly trainer: TrainerName
  readonly weights: number
}

/**
 * Load TensorFlow.js and start its backend ahead of a training on this thread.
 * @throws {UnsupportedError} BATL_UNSUPPORTED as `trainRouter`.
 */
export async function prepareTrainer({ router, arities, dim, trainer, trainerBase }: TrainingPlan): Promise<Prepared> {
  const { name } = await loadTrainer(trainer, trainerBase)
  return { trainer: name, weights: weightCount(router, treeShape(arities), dim) }
}

function weightCount(router: TrainRequest['router'], shape: TreeShape, dim: number): number {
  if (router === 'seq2seq') {
    return seq2seqParameters(shape, dim).reduce((sum, { rows, cols }) => sum + Math.max(1, rows) * cols, 0)
  }
  const heads = shape.nodeCounts.reduce((sum, nodes) => sum + (dim + 1) * nodes, 0)
  return router === 'linear' ? heads : heads + encoderSizes(dim).reduce((sum, size) => sum + size)
}

/** A training as the builder asks for it: `mix` moves a geometric start towards the queries first. */
export type TrainingTask = Omit<TrainRequest, 'onStep' | 'ready'> & { mix: boolean; usesNorm: boolean }

/** Do what a task says; errors as `trainRouter`. */
export async function runTraining(
  { mix, usesNorm, tables, ...rest }: TrainingTask,
  onStep: NonNullable<TrainRequest['onStep']>,
  ready?: () => Promise<void>,
): Promise<TrainResult> {
  // They may be shared, and others start from them too.
  const request = { ...rest, tables: mix ? tables.slice() : tables }
  if (mix) mixStart(request, usesNorm)
  return trainRouter({ ...request, onStep, ...(ready === undefined ? {} : { ready }) })
}
