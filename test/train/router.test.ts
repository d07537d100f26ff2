import { describe, expect, test } from '@jest/globals'
import { trainRouter } from '../../build/train/router.js'
import type { TrainRequest } from '../../build/train/router.js'
import { loadTrainer } from '../../build/train/tf.js'
import { treeShape } from '../../build/tree/shape.js'
import { trainers } from './availability.js'
import { mixtureProblem, tableRecall, type FloatRequest } from './mixture.js'
import { crossEntropy, levelScores } from './reference.js'

const { request: base, heldOut } = mixtureProblem({ count: 3000 })
const small: FloatRequest = { ...base, steps: 4, batch: 64 }

/** One probe. The start has .728. */
const RECALL_FLOORS = { linear: 0.738, residual: 0.738 } // measured .744 and .746
const LOSS_FALLS = { linear: 0.97, residual: 0.8 } // last ten steps over the first: measured .94 and .72

describe.each(trainers)('trainRouter on %s', (trainer) => {
  test.each(['linear', 'residual'] as const)(
    '%s finds more neighbours in its best leaf than the centroids do',
    async (router) => {
      const request = { ...base, router, trainer, steps: 100, learningRate: 3e-3 }
      const result = await trainRouter(request)
      expect(result.trainer).toBe(trainer)
      expect(tableRecall(heldOut, 'linear', base.tables, 1)).toBeLessThan(0.73)
      expect(tableRecall(heldOut, router, result.tables, 1)).toBeGreaterThan(RECALL_FLOORS[router])
      const mean = (losses: Float32Array): number => losses.reduce((sum, loss) => sum + loss, 0) / losses.length
      expect(mean(result.losses.slice(-10)) / mean(result.losses.slice(0, 10))).toBeLessThan(LOSS_FALLS[router])
    },
  )

  test.each(['linear', 'residual'] as const)('%s learns the same from data in the range of bytes', async (router) => {
    const bytes = mixtureProblem({
      router,
      trainer,
      count: 500,
      held: 50,
      scale: 30,
      offset: 128,
      steps: 30,
      batch: 128,
    })
    const plain = mixtureProblem({ router, trainer, count: 500, held: 50, steps: 30, batch: 128 })
    const [a, b] = [await trainRouter(bytes.request), await trainRouter(plain.request)]
    a.losses.forEach((loss, step) => expect(Math.abs(loss - b.losses[step]!)).toBeLessThan(0.02))
    const recall = tableRecall(bytes.heldOut, router, a.tables, 1)
    expect(Math.abs(recall - tableRecall(plain.heldOut, router, b.tables, 1))).toBeLessThan(0.02)
  })

  test.each(['linear', 'residual'] as const)('%s tables score raw queries as training scored them', async (router) => {
    const { request } = mixtureProblem({
      router,
      trainer,
      count: 200,
      held: 1,
      scale: 30,
      offset: 128,
      steps: 20,
      batch: 200,
    })
    const { tables, weights } = await trainRouter(request)
    const { losses } = await trainRouter({ ...request, weights, steps: 1 })
    const shape = treeShape(request.arities)
    let sum = 0
    for (let q = 0; q < 200; q++) {
      const query = request.queries.subarray(q * request.dim, (q + 1) * request.dim)
      shape.nodeCounts.forEach((nodes, level) => {
        const targets = new Float64Array(nodes)
        for (let j = request.labelOffsets[q]!; j < request.labelOffsets[q + 1]!; j++) {
          targets[Math.floor((request.labelLeaves[j]! * nodes) / shape.leafCount)]! += request.labelWeights[j]!
        }
        sum += crossEntropy(levelScores(router, shape, tables, level, query), targets)
      })
    }
    expect(Math.abs(sum / 200 - losses[0]!)).toBeLessThan(1e-3)
  })

  test.each(['linear', 'residual', 'seq2seq'] as const)(
    '%s gives the same bits for the same request',
    async (router) => {
      const request = { ...small, router, trainer }
      const [a, b] = [await trainRouter(request), await trainRouter(request)]
      expect(Buffer.from(a.tables.buffer).equals(Buffer.from(b.tables.buffer))).toBe(true)
      expect(a.losses).toEqual(b.losses)
      const other = await trainRouter({ ...request, seed: 6 })
      expect(other.losses).not.toEqual(a.losses)
    },
  )

  test.each(['linear', 'residual', 'seq2seq'] as const)(
    '%s leaves no tensor behind, also when it fails',
    async (router) => {
      const { tf } = await loadTrainer(trainer)
      await trainRouter({ ...small, router, trainer })
      const { numTensors } = tf.memory()
      await trainRouter({ ...small, router, trainer })
      await expect(trainRouter({ ...small, router, trainer, learningRate: 1e38 })).rejects.toThrow('diverged')
      expect(tf.memory().numTensors).toBe(numTensors)
    },
  )
})

describe('trainRouter', () => {
  test.each(['linear', 'residual'] as const)('%s without steps ranks every level as its start does', async (router) => {
    const { tables } = await trainRouter({ ...small, router, steps: 0 })
    const shape = treeShape(small.arities)
    for (let q = 0; q < 20; q++) {
      const query = small.queries.subarray(q * small.dim, (q + 1) * small.dim)
      shape.nodeCounts.forEach((_, level) => {
        const before = levelScores('linear', shape, small.tables, level, query)
        const after = levelScores(router, shape, tables, level, query)
        // Logits of a temperature: an affine map of the start's scores, with a positive factor.
        const factor = (after[1]! - after[0]!) / (before[1]! - before[0]!)
        expect(factor).toBeGreaterThan(0)
        const most = Math.max(...after.map(Math.abs))
        before.forEach((score, n) =>
          expect(Math.abs(after[n]! - after[0]! - factor * (score - before[0]!))).toBeLessThan(1e-3 * most),
        )
      })
    }
  })

  test('fits the temperature of a start: its scale does not matter', async () => {
    const [a, b] = await Promise.all(
      [1, 1e-3].map((factor) =>
        trainRouter({ ...small, steps: 1, tables: small.tables.map((value) => value * factor) }),
      ),
    )
    expect(Math.abs(a!.losses[0]! - b!.losses[0]!)).toBeLessThan(1e-3)
  })

  test.each(['linear', 'residual', 'seq2seq'] as const)(
    '%s goes on from the weights of an earlier result',
    async (router) => {
      const first = await trainRouter({ ...small, router, steps: 20, batch: 3000 })
      const next = await trainRouter({ ...small, router, steps: 1, batch: 3000, weights: first.weights })
      const last = first.losses.at(-1)!
      expect(Math.abs(next.losses[0]! - last)).toBeLessThan(0.1)
      expect(next.losses[0]!).toBeLessThan(first.losses[0]!)
      const still = await trainRouter({ ...small, router, steps: 0, weights: first.weights })
      expect(still.tables).toEqual(first.tables)
    },
  )

  test('reports every step and returns its loss', async () => {
    const seen: number[][] = []
    const { losses } = await trainRouter({ ...small, onStep: (done, total) => void seen.push([done, total]) })
    expect(seen).toEqual([1, 2, 3, 4].map((done) => [done, 4]))
    expect(losses).toHaveLength(4)
  })

  test('skips queries without labels', async () => {
    const labelOffsets = small.labelOffsets.map((offset, i) => (i === small.labelOffsets.length - 1 ? offset : 0))
    const queries = small.queries.slice()
    const labelLeaves = small.labelLeaves.slice(0, 10)
    const labelWeights = small.labelWeights.slice(0, 10)
    labelOffsets[labelOffsets.length - 1] = 10
    const { losses } = await trainRouter({ ...small, queries, labelOffsets, labelLeaves, labelWeights })
    expect(losses.every((loss) => loss > 0)).toBe(true)
  })

  const cases: [string, Partial<TrainRequest>, string][] = [
    ['no levels', { arities: [] }, 'arities'],
    ['a fractional dim', { dim: 2.5 }, 'dim'],
    ['tables of another size', { tables: new Float32Array(16) }, 'tables'],
    ['offsets of another count', { labelOffsets: Uint32Array.of(0) }, 'labelOffsets'],
    [
      'a leaf that is not there',
      { labelLeaves: small.labelLeaves.map((leaf, i) => (i === 7 ? 64 : leaf)) },
      'labelLeaves',
    ],
    [
      'a weight of zero',
      { labelWeights: small.labelWeights.map((weight, i) => (i === 7 ? 0 : weight)) },
      'labelWeights',
    ],
    ['a query that is not finite', { queries: small.queries.map((value, i) => (i === 9 ? NaN : value)) }, 'queries'],
    ['a learning rate of zero', { learningRate: 0 }, 'learningRate'],
    ['an empty batch', { batch: 0 }, 'batch'],
    ['weights of another router', { weights: { 'level 0': new Float32Array(3) } }, 'weights'],
  ]
  test.each(cases)('refuses %s', async (_, change, argument) => {
    await expect(trainRouter({ ...small, ...change })).rejects.toMatchObject({
      code: 'BATL_INVALID_ARGUMENT',
      argument,
    })
  })

  test('refuses queries of which none has a label', async () => {
    const none = {
      labelOffsets: small.labelOffsets.map(() => 0),
      labelLeaves: new Uint32Array(0),
      labelWeights: new Float32Array(0),
    }
    await expect(trainRouter({ ...small, ...none })).rejects.toMatchObject({ argument: 'labelOffsets' })
  })

  test.each(['linear', 'residual', 'seq2seq'] as const)(
    '%s that diverges is an error that says what to do',
    async (router) => {
      await expect(trainRouter({ ...small, router, learningRate: 1e38 })).rejects.toMatchObject({
        code: 'BATL_TRAINING',
        message: expect.stringMatching(/lower the learning rate/),
      })
    },
  )
})
