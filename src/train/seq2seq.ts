import { Rng } from '../base/rng.js'
import { treeShape } from '../tree/shape.js'
import type { TreeShape } from '../tree/shape.js'
import { crossEntropy, makePick, pickRows, stackRows } from './layers.js'
import type { Pick } from './layers.js'
import { earlier, earlierNormaliser } from './linear.js'
import { STREAMS, addTensors, optimise } from './optimise.js'
import type { TrainRequest, TrainResult } from './request.js'
import { featureRows, fitNormaliser, sampleLeaves } from './sample.js'
import type { Normaliser } from './sample.js'
import { collapseDecoder } from './seq2seq-collapse.js'
import { Seq2seqModel, prefixPicks, seq2seqParameters, startParameters } from './seq2seq-model.js'
import type { Parameter } from './seq2seq-model.js'
import { loadTrainer } from './tf.js'
import type { Scalar, Tensor, Tensor2D, Trainer } from './tf.js'

/** Taken from the logits of children that a level does not have: their share rounds to zero. */
const ABSENT = -1e9

/**
 * Train the published network (KDD 2023, section 4.1; no dropout) and collapse its decoder into tables. Teacher-forced on the
 * path to one neighbour of each query, drawn anew by the labels' weights each time the query comes up.
 * @throws {BatlError} BATL_TRAINING when it diverges.
 */
export async function trainSeq2seq(trainer: Trainer, request: TrainRequest, shape: TreeShape): Promise<TrainResult> {
  const { tf } = trainer
  const { dim, seed, weights: before, batch } = request
  const parameters = seq2seqParameters(shape, dim)
  const normaliser = before === undefined ? fitUnitNormaliser(request) : earlierNormaliser(before, dim)
  const values =
    before === undefined
      ? startParameters(parameters, new Rng(seed, STREAMS.start))
      : parameters.map(({ name, rows, cols }) => earlier(before, name, Math.max(1, rows) * cols))
  const start = parameters.map((parameter, i) => ({ values: values[i]!, shape: shapeOf(parameter) }))
  const paths = new Rng(seed, STREAMS.paths)
  const levels = planLevels(trainer, shape, batch)
  try {
    const { weights, losses } = await optimise(trainer, request, start, (weights, ids) => {
      const leaves = sampleLeaves(request, ids, paths)
      return (from, to, sums) => {
        const queries = featureRows(request, normaliser, ids.subarray(from, to), false)
        const { loss, gradients } = pathGradient(trainer, {
          shape,
          parameters,
          levels,
          dim,
          weights,
          queries,
          leaves: leaves.subarray(from, to),
        })
        addTensors(trainer, gradients, sums, true)
        tf.dispose(gradients)
        return loss
      }
    })
    const named: Record<string, Float32Array> = {
      'input mean': normaliser.mean,
      'input scale': Float32Array.of(normaliser.scale),
    }
    parameters.forEach(({ name }, i) => (named[name] = weights[i]!))
    return { tables: collapseDecoder(trainer, shape, named, normaliser), weights: named, trainer: trainer.name, losses }
  } finally {
    for (const level of levels) tf.dispose(level?.flatMap(({ index, spread }) => [index, spread]) ?? [])
  }
}

/**
 * Logits of the network as it is trained, attention and all, for checks of the collapsed tables.
 * @param request.weights - `TrainResult.weights` of a `seq2seq` result.
 * @param request.queries - `[count * dim]` raw routing queries.
 * @param request.prefixes - `[count]` an inner node for each query: 0 the root, then level by level.
 * @returns `[count * largest arity]`; of a level with fewer children only that many mean anything.
 */
export async function seq2seqLogits(request: {
  arities: readonly number[]
  dim: number
  weights: Readonly<Record<string, Float32Array>>
  queries: Float32Array
  prefixes: ArrayLike<number>
  trainer: TrainRequest['trainer']
}): Promise<Float32Array> {
  const { arities, dim, weights, queries, prefixes } = request
  const trainer = await loadTrainer(request.trainer)
  const { tf } = trainer
  const shape = treeShape(arities)
  const parameters = seq2seqParameters(shape, dim)
  const values = parameters.map(({ name, rows, cols }) => earlier(weights, name, Math.max(1, rows) * cols))
  const normaliser = earlierNormaliser(weights, dim)
  const classes = Math.max(...arities)
  const logits = new Float32Array(prefixes.length * classes)
  tf.tidy(() => {
    const tensors = new Map(
      parameters.map((parameter, i) => [parameter.name, tf.tensor(values[i]!, shapeOf(parameter)) as Tensor]),
    )
    const model = new Seq2seqModel(trainer, tensors, arities.length)
    const tokens = model.projectTokens()
    for (let length = 0, first = 0; length < arities.length; length++) {
      const nodes = length === 0 ? 1 : shape.nodeCounts[length - 1]!
      const ids = Array.from(prefixes, (_, i) => i).filter((i) => prefixes[i]! >= first && prefixes[i]! < first + nodes)
      if (ids.length > 0) {
        const picks = prefixPicks(
          trainer,
          shape,
          length,
          ids.map((i) => prefixes[i]! - first),
        )
        const rows = featureRows({ queries, dim }, normaliser, Uint32Array.from(ids), false)
        const crossed = model.attendMemory(model.encode(tf.tensor2d(rows, [ids.length, dim])))
        const scored = model.decode(model.attendPrefixes(tokens, picks), crossed).dataSync()
        ids.forEach((i, row) => logits.set(scored.subarray(row * classes, (row + 1) * classes), i * classes))
      }
      first += nodes
    }
  })
  return logits
}

/** The mean, and the scale that gives components (not vectors) variance 1, which the network's start expects. */
function fitUnitNormaliser({ queries, dim }: TrainRequest): Normaliser {
  const { mean, scale } = fitNormaliser(queries, dim)
  return { mean, scale: Math.fround(scale / Math.sqrt(dim)) }
}

function shapeOf({ rows, cols }: Parameter): number[] {
  return rows === 0 ? [cols] : [rows, cols]
}

/**
 * How each level finds the prefixes of a batch. Where a level has fewer of them than a batch has queries, all are attended
 * once a step and rows are picked from the result (these picks, fixed); else each query's own prefix is attended.
 */
export function planLevels(trainer: Trainer, shape: TreeShape, batch: number): (Pick[] | undefined)[] {
  return shape.arities.map((_, length) => {
    const prefixes = length === 0 ? 1 : shape.nodeCounts[length - 1]!
    if (prefixes > batch) return undefined
    return prefixPicks(
      trainer,
      shape,
      length,
      Array.from({ length: prefixes }, (_, node) => node),
    )
  })
}

/** A batch of the published network's training. */
export interface PathBatch {
  shape: TreeShape
  parameters: readonly Parameter[]
  levels: readonly (Pick[] | undefined)[]
  dim: number
  weights: readonly Tensor[]
  /** `[rows * dim]`, normalised. */
  queries: Float32Array
  /** `[rows]` */
  leaves: Uint32Array
}

/** Cross-entropy of the batch's paths, summed over levels and paths, and its gradient. */
export function pathGradient(trainer: Trainer, batch: PathBatch): { loss: number; gradients: Tensor[] } {
  const { tf } = trainer
  const { shape, parameters, levels, dim, weights, leaves } = batch
  const rows = leaves.length
  const depth = shape.arities.length
  return tf.tidy(() => {
    const queries = tf.tensor2d(batch.queries, [rows, dim])
    const nodes = levels.map((_, length) => ancestors(shape, length, leaves))
    const own = levels.map((picks, length) =>
      picks === undefined ? prefixPicks(trainer, shape, length, nodes[length]!) : undefined,
    )
    const rowsOf = levels.map((picks, length) =>
      picks === undefined ? undefined : makePick(trainer, nodes[length]!, picks[0]!.index.shape[0]),
    )
    const targets = pathTargets(trainer, shape, leaves)
    const mask = absentChildren(trainer, shape, rows)
    const loss = (...tensors: Tensor[]): Scalar => {
      const model = new Seq2seqModel(trainer, new Map(tensors.map((tensor, i) => [parameters[i]!.name, tensor])), depth)
      const tokens = model.projectTokens()
      const crossed = model.attendMemory(model.encode(queries))
      const prefixes = levels.map((picks, length) => {
        const attended = model.attendPrefixes(tokens, picks ?? own[length]!)
        const pick = rowsOf[length]
        return pick === undefined ? attended : pickRows(trainer, attended, pick)
      })
      const repeated = stackRows(trainer, new Array<Tensor2D>(depth).fill(crossed))
      return crossEntropy(trainer, model.decode(stackRows(trainer, prefixes), repeated), targets, mask)
    }
    const { value, grads } = tf.valueAndGrads(loss as (...tensors: Tensor[]) => Scalar)([...weights])
    return { loss: value.dataSync()[0]!, gradients: grads }
  }) as { loss: number; gradients: Tensor[] }
}

/** The nodes at which paths stand after `length` branches (0: the root). */
function ancestors(shape: TreeShape, length: number, leaves: Uint32Array): Uint32Array {
  if (length === 0) return new Uint32Array(leaves.length)
  const below = shape.leafCount / shape.nodeCounts[length - 1]!
  return leaves.map((leaf) => Math.floor(leaf / below))
}

/** `[depth * rows, largest arity]`, level after level: 1 at the branch that the path takes. */
function pathTargets({ tf }: Trainer, shape: TreeShape, leaves: Uint32Array): Tensor2D {
  const classes = Math.max(...shape.arities)
  const targets = new Float32Array(shape.arities.length * leaves.length * classes)
  shape.arities.forEach((arity, level) => {
    const nodes = ancestors(shape, level + 1, leaves)
    nodes.forEach((node, row) => (targets[(level * leaves.length + row) * classes + (node % arity)] = 1))
  })
  return tf.tensor2d(targets, [shape.arities.length * leaves.length, classes])
}

/** `[depth * rows, largest arity]`: what hides the children that a level does not have; undefined where all have as many. */
function absentChildren({ tf }: Trainer, shape: TreeShape, rows: number): Tensor2D | undefined {
  const classes = Math.max(...shape.arities)
  if (shape.arities.every((arity) => arity === classes)) return undefined
  const mask = new Float32Array(shape.arities.length * rows * classes)
  shape.arities.forEach((arity, level) => {
    for (let row = 0; row < rows; row++) {
      const end = (level * rows + row + 1) * classes
      mask.fill(ABSENT, end - classes + arity, end)
    }
  })
  return tf.tensor2d(mask, [shape.arities.length * rows, classes])
}
