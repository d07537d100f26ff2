import { SEQ2SEQ, padded, routerFloats, routerTensors, routerViews } from '../tree/router.js'
import type { TreeShape } from '../tree/shape.js'
import type { Normaliser } from './sample.js'
import { Seq2seqModel, prefixPicks, seq2seqParameters } from './seq2seq-model.js'
import type { Trainer } from './tf.js'

/** Prefixes attended at once. */
const BLOCK_PREFIXES = 4096

/**
 * The trained network as `routerTensors('seq2seq')` tables. With one memory token and one layer no attention is left: what
 * self-attention makes of a prefix is a row computed here, cross-attention is one affine map, and the normalisation of the
 * queries goes into the encoder's first layer.
 * @param weights - `TrainResult.weights`: matrices `[in, out]`; the tables are `[out, in]`.
 */
export function collapseDecoder(
  trainer: Trainer,
  shape: TreeShape,
  weights: Readonly<Record<string, Float32Array>>,
  normaliser: Normaliser,
): Float32Array {
  const dim = normaliser.mean.length
  const { hidden, width, feedForward } = SEQ2SEQ
  const tensors = routerTensors('seq2seq', shape, dim)
  const tables = new Float32Array(routerFloats(tensors))
  const views = routerViews(tensors, tables)
  foldInput(weights, normaliser, views)
  const layers = [
    ['encoder out', hidden, width],
    ['ffn in', width, feedForward],
    ['ffn out', feedForward, width],
    ['head', width, Math.max(...shape.arities)],
  ] as const
  for (const [name, inputs, outputs] of layers) {
    turn(weights[name]!, inputs, outputs, views.get(name)!, inputs)
    views.get(`${name} bias`)!.set(weights[`${name} bias`]!)
  }
  for (const name of ['norm1', 'norm2']) {
    views.get(name)!.set(weights[`${name} gain`]!)
    views.get(name)!.set(weights[`${name} shift`]!, width)
  }
  foldCross(weights, views)
  attendAllPrefixes(trainer, shape, weights, views.get('prefix')!)
  return tables
}

/** `[rows, cols]` into the rows of `[cols, stride]`. */
function turn(from: Float32Array, rows: number, cols: number, to: Float32Array, stride: number): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) to[j * stride + i] = from[i * cols + j]!
  }
}

/** W . (q - mean) / scale + b, as a layer of raw q. */
function foldInput(
  weights: Readonly<Record<string, Float32Array>>,
  { mean, scale }: Normaliser,
  views: ReadonlyMap<string, Float32Array>,
): void {
  const { hidden } = SEQ2SEQ
  const dim = mean.length
  const stride = padded(dim)
  const rows = views.get('encoder in')!
  const biases = views.get('encoder in bias')!
  for (let unit = 0; unit < hidden; unit++) {
    let bias = weights['encoder in bias']![unit]!
    for (let d = 0; d < dim; d++) {
      const weight = weights['encoder in']![d * hidden + unit]! / scale
      rows[unit * stride + d] = weight
      bias -= weight * mean[d]!
    }
    biases[unit] = bias
  }
}

/** Out . (Value . e + value bias) + out bias, as one layer. */
function foldCross(weights: Readonly<Record<string, Float32Array>>, views: ReadonlyMap<string, Float32Array>): void {
  const { width } = SEQ2SEQ
  const value = weights['cross value']!
  const valueBias = weights['cross value bias']!
  const out = weights['cross out']!
  const rows = views.get('cross')!
  const biases = views.get('cross bias')!
  const sums = new Float64Array(width)
  for (let i = 0; i <= width; i++) {
    sums.fill(0)
    for (let j = 0; j < width; j++) {
      const share = i < width ? value[i * width + j]! : valueBias[j]!
      for (let o = 0; o < width; o++) sums[o]! += share * out[j * width + o]!
    }
    for (let o = 0; o < width; o++) {
      if (i < width) rows[o * width + i] = sums[o]!
      else biases[o] = sums[o]! + weights['cross out bias']![o]!
    }
  }
}

/** `prefix`: root first, then the inner nodes level by level. */
function attendAllPrefixes(
  trainer: Trainer,
  shape: TreeShape,
  weights: Readonly<Record<string, Float32Array>>,
  rows: Float32Array,
): void {
  const { tf } = trainer
  const { width } = SEQ2SEQ
  tf.tidy(() => {
    const tensors = new Map(
      seq2seqParameters(shape, 1).map(({ name, rows, cols }) => [
        name,
        rows === 0 ? tf.tensor1d(weights[name]!) : tf.tensor2d(weights[name]!, [weights[name]!.length / cols, cols]),
      ]),
    )
    const model = new Seq2seqModel(trainer, tensors, shape.arities.length)
    const tokens = model.projectTokens()
    let at = 0
    for (let length = 0; length < shape.arities.length; length++) {
      const nodes = length === 0 ? 1 : shape.nodeCounts[length - 1]!
      for (let from = 0; from < nodes; from += BLOCK_PREFIXES) {
        const block = Array.from({ length: Math.min(BLOCK_PREFIXES, nodes - from) }, (_, i) => from + i)
        tf.tidy(() => {
          const picks = prefixPicks(trainer, shape, length, block)
          rows.set(model.attendPrefixes(tokens, picks).dataSync(), at * width)
        })
        at += block.length
      }
    }
  })
}
