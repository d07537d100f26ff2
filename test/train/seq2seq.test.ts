import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { trainRouter } from '../../build/train/router.js'
import type { TrainRequest } from '../../build/train/router.js'
import { seq2seqLogits } from '../../build/train/seq2seq.js'
import { treeShape } from '../../build/tree/shape.js'
import { trainers } from './availability.js'
import { leafRecall, mixtureProblem, type FloatRequest } from './mixture.js'
import { collapsedLogits, decoderLogits } from './reference.js'

const dim = 10
const COUNT = 64

/** Random labels: what a network makes of them does not matter to the collapse. */
function randomRequest(arities: number[], steps: number, trainer: TrainRequest['trainer']): FloatRequest {
  const rng = new Rng(21)
  const leaves = treeShape(arities).leafCount
  return {
    router: 'seq2seq',
    arities,
    dim,
    queries: new Float32Array(COUNT * dim).map(() => 100 + 30 * rng.normal()),
    labelOffsets: new Uint32Array(COUNT + 1).map((_, i) => i),
    labelLeaves: new Uint32Array(COUNT).map(() => rng.below(leaves)),
    labelWeights: new Float32Array(COUNT).fill(1),
    tables: new Float32Array(0),
    steps,
    batch: 16,
    learningRate: 1e-3,
    seed: 4,
    trainer,
  }
}

describe.each(trainers)('the collapsed decoder on %s', (trainer) => {
  test.each([
    [[6], 0],
    [[5, 7], 0],
    [[5, 7], 30],
    [[7, 5], 30],
    [[3, 5, 4], 0],
    [[3, 5, 4], 30],
  ])('of arities %j after %i steps gives the logits of the network', async (arities, steps) => {
    const request = randomRequest(arities, steps, trainer)
    const shape = treeShape(arities)
    const { tables, weights } = await trainRouter(request)
    const inner = shape.nodeCounts.slice(0, -1)
    const prefixes = Array.from({ length: 1 + inner.reduce((sum, nodes) => sum + nodes, 0) }, (_, p) => p)
    const queries = request.queries.subarray(0, prefixes.length * dim)
    const trained = await seq2seqLogits({ arities, dim, weights, queries, prefixes, trainer })
    const classes = Math.max(...arities)
    const noise = new Rng(8)
    for (const prefix of prefixes) {
      const query = queries.subarray(prefix * dim, (prefix + 1) * dim)
      const length = firstNodes(inner).filter((first) => first <= prefix).length
      const path = pathOf(shape, length, length === 0 ? 0 : prefix - firstNodes(inner)[length - 1]!)
      const input = Array.from(query, (value, d) => (value - weights['input mean']![d]!) / weights['input scale']![0]!)
      const textbook = decoderLogits(weights, path, input, () => noise.normal())
      const collapsed = collapsedLogits(shape, tables, query, prefix)
      for (let child = 0; child < arities[length]!; child++) {
        expect(Math.abs(collapsed[child]! - trained[prefix * classes + child]!)).toBeLessThan(1e-4)
        expect(Math.abs(collapsed[child]! - textbook[child]!)).toBeLessThan(1e-4)
      }
    }
  })

  test('ranks the leaves of held-out queries far better than chance', async () => {
    const arities = [8, 8]
    const { request, heldOut } = mixtureProblem({
      router: 'seq2seq',
      arities,
      held: 40,
      steps: 60,
      batch: 128,
      learningRate: 1e-3,
      trainer,
    })
    const { tables, losses } = await trainRouter(request)
    const shape = treeShape(arities)
    const recall = leafRecall(heldOut, 8, (query) => {
      const logShares = (prefix: number): number[] => {
        const logits = collapsedLogits(shape, tables, query, prefix).slice(0, 8)
        const normaliser = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0))
        return logits.map((value) => value - normaliser)
      }
      return logShares(0).flatMap((score, branch) => logShares(1 + branch).map((value) => score + value))
    })
    expect(losses[0]).toBeGreaterThan(0.8 * Math.log(64))
    expect(recall).toBeGreaterThan(RECALL_FLOOR)
  })
})

/** Chance is 8 leaves of 64, .125; measured .908. */
const RECALL_FLOOR = 0.8

/** The first prefix number of each inner level: the root is 0. */
function firstNodes(inner: readonly number[]): number[] {
  return inner.map((_, level) => 1 + inner.slice(0, level).reduce((sum, nodes) => sum + nodes, 0))
}

/** Branches from the root to a node of level `length - 1`. */
function pathOf({ arities }: { arities: readonly number[] }, length: number, node: number): number[] {
  const path: number[] = []
  for (let h = length - 1; h >= 0; h--) {
    path.unshift(node % arities[h]!)
    node = Math.floor(node / arities[h]!)
  }
  return path
}
