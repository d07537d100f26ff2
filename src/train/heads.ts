import { routerTensors, routerViews } from '../tree/router.js'
import type { TreeShape } from '../tree/shape.js'
import { timesTransposed, transposedTimes } from './products.js'
import type { Normaliser } from './sample.js'
import type { Scalar, Tensor2D, Trainer } from './tf.js'

/**
 * A level's head in training is one matrix `[nodes, dim + 1]`: the weights of a node and its bias, which meets the features'
 * column of ones.
 */
export type Head = Tensor2D

/** Gradient of the summed loss of a block of queries. */
export interface HeadGradient {
  loss: Scalar
  head: Tensor2D
  /** Of the features, `[rows, dim + 1]`, where it was asked for. */
  features?: Tensor2D
}

/**
 * Softmax cross-entropy over all nodes of a level: loss and gradient, both summed over the rows.
 * @param features - `[rows, dim + 1]`, a column of ones last.
 * @param targets - `[rows, nodes]`, each row with sum 1.
 */
export function headGradient(
  trainer: Trainer,
  features: Tensor2D,
  head: Head,
  targets: Tensor2D,
  wantFeatures: boolean,
): HeadGradient {
  const { tf } = trainer
  return tf.tidy(() => {
    const logits = timesTransposed(trainer, features, head)
    const shares = tf.softmax(logits)
    // The largest logit and the largest share of a row give its log-sum-exp without another pass of exponentials.
    const normalisers = tf.sub(tf.max(logits, 1), tf.log(tf.max(shares, 1)))
    const loss = tf.sub<Scalar>(tf.sum(normalisers), tf.sum(tf.mul(targets, logits)))
    const errors = tf.sub<Tensor2D>(shares, targets)
    const gradient: HeadGradient = { loss, head: transposedTimes(trainer, errors, features) }
    if (wantFeatures) gradient.features = tf.matMul(errors, head)
    return gradient as HeadGradient & Record<string, Tensor2D | Scalar>
  })
}

/**
 * Heads of all levels from tables in `routerTensors('linear')` layout that score raw queries.
 * @returns `[nodes * (dim + 1)]` per level, for features normalised by `normaliser`: the same logits.
 */
export function importHeads(
  tables: Float32Array,
  shape: TreeShape,
  dim: number,
  normaliser: Normaliser,
): Float32Array[] {
  const { mean, scale } = normaliser
  const tensors = routerTensors('linear', shape, dim)
  const views = routerViews(tensors, tables)
  return shape.nodeCounts.map((nodes, level) => {
    const rows = views.get(`level ${level}`)!
    const biases = views.get(`bias ${level}`)!
    const width = rows.length / nodes
    const head = new Float32Array((dim + 1) * nodes)
    for (let node = 0; node < nodes; node++) {
      let bias = biases[node]!
      for (let d = 0; d < dim; d++) {
        const weight = rows[node * width + d]!
        head[node * (dim + 1) + d] = weight * scale
        bias += weight * mean[d]!
      }
      head[node * (dim + 1) + dim] = bias
    }
    return head
  })
}

/** The inverse of `importHeads`: write each level's head into the views of tables that score raw (encoded) queries. */
export function exportHeads(
  heads: readonly Float32Array[],
  shape: TreeShape,
  views: ReadonlyMap<string, Float32Array>,
  normaliser: Normaliser,
): void {
  const { mean, scale } = normaliser
  const dim = mean.length
  heads.forEach((head, level) => {
    const nodes = shape.nodeCounts[level]!
    const rows = views.get(`level ${level}`)!
    const biases = views.get(`bias ${level}`)!
    const width = rows.length / nodes
    for (let node = 0; node < nodes; node++) {
      let bias = head[node * (dim + 1) + dim]!
      for (let d = 0; d < dim; d++) {
        const weight = head[node * (dim + 1) + d]! / scale
        rows[node * width + d] = weight
        bias -= weight * mean[d]!
      }
      biases[node] = bias
    }
  })
}

/**
 * The factor on a level's logits (a softmax temperature) of least loss on a block of queries. The loss is convex in the
 * factor, so walking downhill in halving strides finds it.
 * @returns 1 where the logits do not differ.
 */
export function fitTemperature(trainer: Trainer, features: Tensor2D, head: Head, targets: Tensor2D): number {
  const { tf } = trainer
  return tf.tidy(() => {
    const logits = timesTransposed(trainer, features, head)
    const centred = tf.sub(logits, tf.mean(logits, 1, true))
    const spread = Math.sqrt(tf.mean(tf.square(centred)).dataSync()[0]!)
    if (!(spread > 0 && spread < Infinity)) return 1
    const hit = tf.sum(tf.mul(targets, centred)).dataSync()[0]!
    const loss = (factor: number): number =>
      tf.tidy(() => {
        const scaled = tf.mul(centred, factor)
        const shares = tf.max(tf.softmax(scaled), 1)
        return tf.sum(tf.sub(tf.max(scaled, 1), tf.log(shares))).dataSync()[0]! - factor * hit
      })
    let factor = 1 / spread
    let least = loss(factor)
    for (const stride of [4, 2, 2 ** 0.5, 2 ** 0.25]) {
      for (const ratio of [stride, 1 / stride]) {
        for (let moves = 0; moves < MOST_MOVES; moves++) {
          const next = loss(factor * ratio)
          if (!(next < least)) break
          least = next
          factor *= ratio
        }
      }
    }
    return factor
  })
}

/** Labels that follow the logits perfectly would have an infinite factor: four to the sixth times the start is enough. */
const MOST_MOVES = 6
