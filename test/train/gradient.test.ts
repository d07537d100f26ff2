import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { loadBuildKernels } from '../../build/kernels/load-build.js'
import { linearGradient } from '../../build/train/linear.js'
import { residualGradient } from '../../build/train/residual.js'
import { pathGradient, planLevels } from '../../build/train/seq2seq.js'
import { seq2seqParameters, startParameters } from '../../build/train/seq2seq-model.js'
import { loadTrainer } from '../../build/train/tf.js'
import type { Tensor, Trainer } from '../../build/train/tf.js'
import { treeShape } from '../../build/tree/shape.js'
import type { TreeShape } from '../../build/tree/shape.js'
import { trainers } from './availability.js'
import type { FloatRequest } from './mixture.js'
import { crossEntropy, decoderLogits } from './reference.js'

await loadBuildKernels()

// Small, so that no rectified unit changes sides between the two ends: f64 leaves room for it.
const STEP = 1e-6
const dim = 5
const shape = treeShape([3, 4])
const rng = new Rng(11)
const normals = (length: number, size = 1): Float32Array => new Float32Array(length).map(() => rng.normal() * size)

const request: FloatRequest = {
  router: 'linear',
  arities: shape.arities,
  dim,
  queries: normals(6 * dim),
  labelOffsets: Uint32Array.of(0, 2, 3, 6, 8, 9, 11),
  labelLeaves: Uint32Array.of(0, 11, 4, 2, 3, 2, 7, 7, 9, 1, 6),
  labelWeights: Float32Array.of(0.25, 0.75, 1, 0.5, 0.25, 0.25, 0.5, 0.5, 1, 0.375, 0.625),
  tables: new Float32Array(0),
  steps: 1,
  batch: 6,
  learningRate: 1e-3,
  seed: 1,
  trainer: 'wasm',
}
const ids = Uint32Array.of(4, 0, 1, 2, 3, 5)
const plain = { mean: new Float32Array(dim), scale: 1 }
const queryRow = (id: number): number[] => Array.from(request.queries.subarray(id * dim, (id + 1) * dim))

/** Summed loss of level-wise heads `[nodes, dim + 1]` on encoded queries, in f64. */
function headLoss(heads: readonly Float64Array[], encode: (x: number[]) => number[]): number {
  let loss = 0
  for (const id of ids) {
    const z = [...encode(queryRow(id)), 1]
    heads.forEach((head, level) => {
      const nodes = shape.nodeCounts[level]!
      const targets = new Float64Array(nodes)
      for (let j = request.labelOffsets[id]!; j < request.labelOffsets[id + 1]!; j++) {
        targets[Math.floor(request.labelLeaves[j]! / (shape.leafCount / nodes))]! += request.labelWeights[j]!
      }
      const logits = Array.from(targets, (_, n) =>
        z.reduce((sum, value, d) => sum + value * head[n * (dim + 1) + d]!, 0),
      )
      loss += crossEntropy(logits, targets)
    })
  }
  return loss
}

/** Compare a gradient with central differences of an f64 loss at the entries `at(length)` of each weight. */
function expectGradient(
  values: readonly Float32Array[],
  gradients: readonly Float32Array[],
  loss: (values: Float64Array[]) => number,
  at: (length: number) => Iterable<number>,
): void {
  const exact = values.map((value) => Float64Array.from(value))
  values.forEach((value, w) => {
    for (const i of at(value.length)) {
      const held = exact[w]![i]!
      exact[w]![i] = held + STEP
      const above = loss(exact)
      exact[w]![i] = held - STEP
      const slope = (above - loss(exact)) / (2 * STEP)
      exact[w]![i] = held
      expect(Math.abs(gradients[w]![i]! - slope)).toBeLessThan(2e-4 + 2e-3 * Math.abs(slope))
    }
  })
}

async function evaluate(
  name: (typeof trainers)[number],
  run: (trainer: Trainer) => { loss: number; gradients: Tensor[] },
): Promise<{ loss: number; gradients: Float32Array[] }> {
  const trainer = await loadTrainer(name)
  let result = { loss: NaN, gradients: [] as Float32Array[] }
  trainer.tf.tidy(() => {
    const { loss, gradients } = run(trainer)
    result = { loss, gradients: gradients.map((gradient) => gradient.dataSync() as Float32Array) }
  })
  return result
}

const all = (length: number): Iterable<number> => Array(length).keys()

describe.each(trainers)('gradients on %s agree with finite differences of an f64 loss:', (name) => {
  test('linear', async () => {
    const heads = shape.nodeCounts.map((nodes) => normals((dim + 1) * nodes))
    const { loss, gradients } = await evaluate(name, (trainer) => {
      const tensors = heads.map((head) => trainer.tf.tensor2d(head, [head.length / (dim + 1), dim + 1]))
      const sums = linearGradient(trainer, request, shape, plain, tensors, ids)
      return { loss: sums.loss.dataSync()[0]!, gradients: sums.gradients }
    })
    const reference = (values: Float64Array[]): number => headLoss(values, (x) => x)
    expect(loss).toBeCloseTo(reference(heads.map((head) => Float64Array.from(head))), 4)
    expectGradient(heads, gradients, reference, all)
  })

  test('residual', async () => {
    const hidden = 64
    const values = [
      normals((dim + 1) * hidden, 0.5),
      normals((hidden + 1) * dim, 0.2),
      ...shape.nodeCounts.map((nodes) => normals((dim + 1) * nodes)),
    ]
    const { loss, gradients } = await evaluate(name, (trainer) => {
      const { tf } = trainer
      const tensors = values.map((value, i) => {
        const rows = [dim + 1, hidden + 1][i] ?? value.length / (dim + 1)
        return tf.tensor2d(value, [rows, value.length / rows])
      })
      const sums = residualGradient(trainer, request, shape, plain, tensors, ids)
      return { loss: sums.loss.dataSync()[0]!, gradients: sums.gradients }
    })
    const reference = ([first, second, ...heads]: Float64Array[]): number =>
      headLoss(heads, (x) => {
        const units = Array.from({ length: hidden }, (_, unit) =>
          Math.max(
            0,
            [...x, 1].reduce((sum, value, d) => sum + value * first![d * hidden + unit]!, 0),
          ),
        )
        return x.map((value, d) => [...units, 1].reduce((sum, unit, u) => sum + unit * second![u * dim + d]!, value))
      })
    expect(loss).toBeCloseTo(reference(values.map((value) => Float64Array.from(value))), 4)
    expectGradient(values, gradients, reference, all)
  })

  // Prefixes are attended once per node where the batch has more queries than a level has prefixes, else once per query.
  test.each([
    ['one level', treeShape([5]), 8],
    ['two levels, prefixes by node', treeShape([3, 4]), 8],
    ['three levels, the last one by query', treeShape([2, 3, 4]), 3],
  ])('seq2seq, %s', async (_, tree: TreeShape, batch: number) => {
    const parameters = seq2seqParameters(tree, dim)
    const values = startParameters(parameters, new Rng(2)).map((start) =>
      start.map((value) => value + rng.normal() * 0.02),
    )
    const leaves = Uint32Array.of(tree.leafCount - 1, 2)
    const queries = normals(leaves.length * dim)
    const { loss, gradients } = await evaluate(name, (trainer) => {
      const { tf } = trainer
      const weights = parameters.map(({ rows, cols }, i) => {
        return rows === 0 ? tf.tensor1d(values[i]!) : tf.tensor2d(values[i]!, [rows, cols])
      })
      const levels = planLevels(trainer, tree, batch)
      return pathGradient(trainer, { shape: tree, parameters, levels, dim, weights, queries, leaves })
    })
    const reference = (exact: Float64Array[]): number => {
      const named = Object.fromEntries(parameters.map(({ name: parameter }, i) => [parameter, exact[i]!]))
      let sum = 0
      leaves.forEach((leaf, row) => {
        const path = tree.nodeCounts.map((nodes, h) => Math.floor(leaf / (tree.leafCount / nodes)) % tree.arities[h]!)
        path.forEach((branch, h) => {
          const input = Array.from(queries.subarray(row * dim, (row + 1) * dim))
          const logits = decoderLogits(named, path.slice(0, h), input, () => 0.5).slice(0, tree.arities[h])
          sum += crossEntropy(
            logits,
            logits.map((__, i) => (i === branch ? 1 : 0)),
          )
        })
      })
      return sum
    }
    expect(loss).toBeCloseTo(reference(values.map((value) => Float64Array.from(value))), 4)
    const picks = new Rng(3)
    expectGradient(values, gradients, reference, (length) => [picks.below(length)])
  })
})
