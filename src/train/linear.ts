import { InvalidArgumentError } from '../base/errors.js'
import { Rng } from '../base/rng.js'
import { sharedF32 } from '../base/shared.js'
import { routerFloats, routerTensors, routerViews } from '../tree/router.js'
import type { TreeShape } from '../tree/shape.js'
import { exportHeads, fitTemperature, headGradient, importHeads } from './heads.js'
import { STREAMS, addTensors, optimise, type Weight } from './optimise.js'
import { checkLength } from './request.js'
import type { TrainRequest, TrainResult } from './request.js'
import { BlockScratch, QueryStream, featureRows, fitNormaliser, levelTargets } from './sample.js'
import type { Normaliser } from './sample.js'
import type { Tensor, Tensor2D, Trainer } from './tf.js'

/** Largest block of logits held at once, in floats: 2 MB each for the logits, shares, targets and errors of a block. */
const BLOCK_FLOATS = 1 << 19
/** Queries on which temperatures are fitted. */
const TEMPERATURE_QUERIES = 256

/** What a level-wise router starts from: how queries are normalised, and `[nodes * (dim + 1)]` weights per level. */
export interface LevelStart {
  normaliser: Normaliser
  heads: Float32Array[]
}

/**
 * Train the `linear` router: per level, one softmax over all of its nodes.
 * @throws {BatlError} BATL_TRAINING when it diverges.
 */
export async function trainLinear(trainer: Trainer, request: TrainRequest, shape: TreeShape): Promise<TrainResult> {
  const { dim } = request
  const { normaliser, heads } = startHeads(trainer, request, shape)
  const start = headWeights(heads.splice(0), dim)
  const scratch = new BlockScratch()
  const { weights, losses } = await optimise(
    trainer,
    request,
    start,
    (weights, ids) => (from, to, sums) =>
      sumBlocks(trainer, shape, ids.subarray(from, to), sums, (rows) =>
        linearGradient(trainer, request, shape, normaliser, weights, rows, scratch),
      ),
  )
  const tensors = routerTensors('linear', shape, dim)
  const tables = sharedF32(routerFloats(tensors))
  exportHeads(weights, shape, routerViews(tensors, tables), normaliser)
  return { tables, weights: nameHeads(weights, normaliser), trainer: trainer.name, losses }
}

/** Summed loss of the queries `ids`, and its gradient for each level's head. Runs inside `tf.tidy`. */
export function linearGradient(
  trainer: Trainer,
  request: TrainRequest,
  shape: TreeShape,
  normaliser: Normaliser,
  weights: readonly Tensor[],
  ids: Uint32Array,
  scratch = new BlockScratch(),
): { loss: Tensor; gradients: Tensor[] } {
  const { tf } = trainer
  const features = tf.tensor2d(featureRows(request, normaliser, ids, true, scratch.features), [
    ids.length,
    request.dim + 1,
  ])
  const levels = weights.map((head, level) => {
    const targets = tf.tensor2d(levelTargets(request, shape, level, ids, scratch.targets), [
      ids.length,
      shape.nodeCounts[level]!,
    ])
    const gradient = headGradient(trainer, features, head as Tensor2D, targets, false)
    targets.dispose()
    return gradient
  })
  return { loss: tf.addN(levels.map(({ loss }) => loss)), gradients: levels.map(({ head }) => head) }
}

/** Heads of all levels as they start. */
export function headWeights(heads: readonly Float32Array[], dim: number): Weight[] {
  return heads.map((head) => ({ values: head, shape: [head.length / (dim + 1), dim + 1] }))
}

/**
 * Write the summed gradients of some queries, from blocks of them small enough for the logits of the largest level.
 * @param gradient - the sums over a block; runs inside `tf.tidy`.
 * @returns their summed loss.
 */
export function sumBlocks(
  trainer: Trainer,
  shape: TreeShape,
  ids: Uint32Array,
  sums: Float32Array,
  gradient: (ids: Uint32Array) => { loss: Tensor; gradients: Tensor[] },
): number {
  const most = Math.max(16, Math.floor(BLOCK_FLOATS / shape.leafCount))
  const rows = Math.ceil(ids.length / Math.ceil(ids.length / most))
  let total = 0
  for (let from = 0; from < ids.length; from += rows) {
    trainer.tf.tidy(() => {
      const { loss, gradients } = gradient(ids.subarray(from, from + rows))
      total += loss.dataSync()[0]!
      addTensors(trainer, gradients, sums, from === 0)
    })
  }
  return total
}

/** The heads of `request.weights`, or those of `request.tables` with each level's temperature fitted. */
export function startHeads(trainer: Trainer, request: TrainRequest, shape: TreeShape): LevelStart {
  const { dim, weights, tables } = request
  if (weights !== undefined) {
    const heads = shape.nodeCounts.map((nodes, level) => earlier(weights, `level ${level}`, (dim + 1) * nodes))
    return { normaliser: earlierNormaliser(weights, dim), heads }
  }
  checkLength('tables', tables.length, routerFloats(routerTensors('linear', shape, dim)))
  const normaliser = fitNormaliser(request.queries, dim)
  const heads = importHeads(tables, shape, dim, normaliser)
  const { tf } = trainer
  const most = Math.max(16, Math.min(TEMPERATURE_QUERIES, Math.floor(BLOCK_FLOATS / shape.leafCount)))
  const ids = new QueryStream(request, new Rng(request.seed, STREAMS.temperature)).next(most)
  heads.forEach((head, level) => {
    const nodes = shape.nodeCounts[level]!
    const factor = tf.tidy(() => {
      const features = tf.tensor2d(featureRows(request, normaliser, ids, true), [ids.length, dim + 1])
      const targets = tf.tensor2d(levelTargets(request, shape, level, ids), [ids.length, nodes])
      return fitTemperature(trainer, features, tf.tensor2d(head, [nodes, dim + 1]), targets)
    })
    for (let i = 0; i < head.length; i++) head[i]! *= factor
  })
  return { normaliser, heads }
}

/** Heads and normalisation by name, as `request.weights` takes them. */
export function nameHeads(heads: readonly Float32Array[], { mean, scale }: Normaliser): Record<string, Float32Array> {
  const named: Record<string, Float32Array> = { 'input mean': mean, 'input scale': Float32Array.of(scale) }
  heads.forEach((head, level) => (named[`level ${level}`] = head))
  return named
}

/** The normalisation an earlier result was trained with: going on must keep it. */
export function earlierNormaliser(weights: Readonly<Record<string, Float32Array>>, dim: number): Normaliser {
  return { mean: earlier(weights, 'input mean', dim), scale: earlier(weights, 'input scale', 1)[0]! }
}

/**
 * One array of an earlier result.
 * @throws {InvalidArgumentError} when it is absent or of another size: another router, shape or dim.
 */
export function earlier(weights: Readonly<Record<string, Float32Array>>, name: string, length: number): Float32Array {
  const values = weights[name]
  if (values?.length !== length) {
    throw new InvalidArgumentError(
      'weights',
      `weights '${name}' has ${values?.length ?? 'no'} values, but this router, tree and dim need ${length}; ` +
        `pass the weights of a result of the same router and shape, or none`,
    )
  }
  return values
}
