import { Rng } from '../base/rng.js'
import { RESIDUAL_HIDDEN, padded, routerFloats, routerTensors, routerViews } from '../tree/router.js'
import type { TreeShape } from '../tree/shape.js'
import { exportHeads, headGradient } from './heads.js'
import { earlier, headWeights, nameHeads, startHeads, sumBlocks } from './linear.js'
import { STREAMS, optimise } from './optimise.js'
import { timesTransposed, transposedTimes } from './products.js'
import type { TrainRequest, TrainResult } from './request.js'
import { BlockScratch, featureRows, levelTargets } from './sample.js'
import type { Normaliser } from './sample.js'
import type { Tensor, Tensor2D, Trainer } from './tf.js'

/**
 * Train the `residual` router: z = q + W2 relu(W1 q + b1) + b2, then the heads of `linear` on z. W2 and b2 start at zero, so
 * that the first step sees the start's own scores.
 * @throws {BatlError} BATL_TRAINING when it diverges.
 */
export async function trainResidual(trainer: Trainer, request: TrainRequest, shape: TreeShape): Promise<TrainResult> {
  const { dim } = request
  const { normaliser, heads } = startHeads(trainer, request, shape)
  const [encoderIn, encoderOut] = startEncoder(request)
  const start = [
    { values: encoderIn, shape: [dim + 1, RESIDUAL_HIDDEN] },
    { values: encoderOut, shape: [RESIDUAL_HIDDEN + 1, dim] },
    ...headWeights(heads.splice(0), dim),
  ]
  const scratch = new BlockScratch()
  const { weights, losses } = await optimise(
    trainer,
    request,
    start,
    (weights, ids) => (from, to, sums) =>
      sumBlocks(trainer, shape, ids.subarray(from, to), sums, (rows) =>
        residualGradient(trainer, request, shape, normaliser, weights, rows, scratch),
      ),
  )
  const [trainedIn, trainedOut, ...trainedHeads] = weights as [Float32Array, Float32Array, ...Float32Array[]]
  const tensors = routerTensors('residual', shape, dim)
  const tables = new Float32Array(routerFloats(tensors))
  const views = routerViews(tensors, tables)
  exportEncoder(trainedIn, trainedOut, views, normaliser)
  exportHeads(trainedHeads, shape, views, normaliser)
  const named = { ...nameHeads(trainedHeads, normaliser), 'encoder in': trainedIn, 'encoder out': trainedOut }
  return { tables, weights: named, trainer: trainer.name, losses }
}

/** Floats of the encoder's two matrices, `[dim + 1, hidden]` and `[hidden + 1, dim]`, biases as last rows. */
export function encoderSizes(dim: number): readonly [number, number] {
  return [(dim + 1) * RESIDUAL_HIDDEN, (RESIDUAL_HIDDEN + 1) * dim]
}

/** The encoder's start, uniform within 1 / sqrt(dim), and zero. */
function startEncoder({ dim, seed, weights }: TrainRequest): [Float32Array, Float32Array] {
  const sizes = encoderSizes(dim)
  if (weights !== undefined)
    return [earlier(weights, 'encoder in', sizes[0]), earlier(weights, 'encoder out', sizes[1])]
  const rng = new Rng(seed, STREAMS.start)
  const bound = 1 / Math.sqrt(dim)
  return [new Float32Array(sizes[0]).map(() => (2 * rng.uniform() - 1) * bound), new Float32Array(sizes[1])]
}

/** Summed loss of the queries `ids`, and its gradient for encoder in, encoder out and each head. Runs inside `tf.tidy`. */
export function residualGradient(
  trainer: Trainer,
  request: TrainRequest,
  shape: TreeShape,
  normaliser: Normaliser,
  weights: readonly Tensor[],
  ids: Uint32Array,
  scratch = new BlockScratch(),
): { loss: Tensor; gradients: Tensor[] } {
  const { tf } = trainer
  const { dim } = request
  const [encoderIn, encoderOut, ...heads] = weights as [Tensor2D, Tensor2D, ...Tensor2D[]]
  const rows = ids.length
  const ones = tf.ones([rows, 1]) as Tensor2D
  const features = tf.tensor2d(featureRows(request, normaliser, ids, true, scratch.features), [rows, dim + 1])
  const hidden = tf.relu<Tensor2D>(tf.matMul(features, encoderIn))
  const hiddenOnes = tf.concat2d([hidden, ones], 1)
  const moved = tf.concat2d([tf.matMul(hiddenOnes, encoderOut) as Tensor2D, tf.zeros([rows, 1]) as Tensor2D], 1)
  const encoded = tf.add<Tensor2D>(features, moved)
  const levels = heads.map((head, level) => {
    const targets = tf.tensor2d(levelTargets(request, shape, level, ids, scratch.targets), [
      rows,
      shape.nodeCounts[level]!,
    ])
    const gradient = headGradient(trainer, encoded, head, targets, true)
    targets.dispose()
    return gradient
  })
  const towards = tf.slice2d(tf.addN(levels.map(({ features }) => features!)), [0, 0], [rows, dim])
  const outWeights = tf.slice2d(encoderOut, [0, 0], [RESIDUAL_HIDDEN, dim])
  const towardsHidden = tf.mul<Tensor2D>(timesTransposed(trainer, towards, outWeights), tf.step(hidden))
  return {
    loss: tf.addN(levels.map(({ loss }) => loss)),
    gradients: [
      transposedTimes(trainer, features, towardsHidden),
      transposedTimes(trainer, hiddenOnes, towards),
      ...levels.map(({ head }) => head),
    ],
  }
}

/** Tables of an encoder that moves raw queries by what the trained one moves normalised ones. */
function exportEncoder(
  encoderIn: Float32Array,
  encoderOut: Float32Array,
  views: ReadonlyMap<string, Float32Array>,
  { mean, scale }: Normaliser,
): void {
  const dim = mean.length
  const width = padded(dim)
  const [inRows, inBiases] = [views.get('encoder in')!, views.get('encoder in bias')!]
  const [outRows, outBiases] = [views.get('encoder out')!, views.get('encoder out bias')!]
  for (let unit = 0; unit < RESIDUAL_HIDDEN; unit++) {
    let bias = encoderIn[dim * RESIDUAL_HIDDEN + unit]!
    for (let d = 0; d < dim; d++) {
      const weight = encoderIn[d * RESIDUAL_HIDDEN + unit]! / scale
      inRows[unit * width + d] = weight
      bias -= weight * mean[d]!
      outRows[d * RESIDUAL_HIDDEN + unit] = encoderOut[unit * dim + d]! * scale
    }
    inBiases[unit] = bias
  }
  for (let d = 0; d < dim; d++) outBiases[d] = encoderOut[RESIDUAL_HIDDEN * dim + d]! * scale
}
