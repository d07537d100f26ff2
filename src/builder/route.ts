import type { Metric } from '../base/options.js'
import { sharedF32 } from '../base/shared.js'
import { nearnessBias } from '../partition/kmeans.js'
import { blockRouter, type BlockRouter } from '../partition/route-block.js'
import type { CentroidTree, Holders, RouterTables } from '../pool/messages.js'
import { padded, routerFloats, routerTensors, routerViews } from '../tree/router.js'
import { treeShape, type TreeShape } from '../tree/shape.js'
import { shareF32, type Build, type TreeState } from './context.js'
import { labelLessons, type Lessons } from './queries.js'

/**
 * Optimiser steps of the linear router, by metric. From centroids it has not far to go where rows are near what they are
 * close to: 200 steps look at as many rows as 100 (at .95: glove-100, 100,000 rows, 4.114% and 4.116%; text-384, 20,000
 * rows, 9.67% and 9.65%), and 50 at more. Under the inner product it has: mips-amazon takes .341% with 100 steps, .313%
 * with 200 and .294% with 400 before the copies and 200 after them.
 */
const STEPS: Readonly<Record<Metric, number>> = { l2: 100, cosine: 100, ip: 400 }
/** Of the residual router, whose encoder starts from nothing; of the published one, passes over the queries. */
const RESIDUAL_STEPS = 200
/** Queries a step. */
const MOST_BATCH = 2048
/** Scores of leaves a step, which bound its time and memory. */
const BATCH_SCORES = 1 << 22
const EPOCHS = 10
const PUBLISHED_BATCH = 1024
/** Learning rates of the first step, for queries of unit variance. */
const RATE = 1e-2
const PUBLISHED_RATE = 1e-3

/**
 * Tables of the linear router that ranks nodes by the closeness of their centroid.
 * Under the inner product every point of a leaf gains by its own length, so no norm is subtracted.
 */
export function geometricRouter(tree: CentroidTree, shape: TreeShape, dim: number, metric: Metric): RouterTables {
  const tensors = routerTensors('linear', shape, dim)
  const tables = sharedF32(routerFloats(tensors))
  const views = routerViews(tensors, tables)
  const width = tree.levels[0]!.length / shape.nodeCounts[0]!
  tree.levels.forEach((centroids, level) => {
    views.get(`level ${level}`)!.set(centroids)
    if (metric !== 'ip') views.get(`bias ${level}`)!.set(nearnessBias(centroids, width))
  })
  return { kind: 'linear', arities: tree.arities, tables }
}

/** The last two levels of a linear router, for blocks of queries. */
export function blockRouterOf({ kind, arities, tables }: RouterTables, dim: number): BlockRouter {
  const views = routerViews(routerTensors(kind, treeShape(arities), dim), tables)
  const levels = arities.map((_, h) => ({ rows: views.get(`level ${h}`)!, bias: views.get(`bias ${h}`)! }))
  return blockRouter(levels, padded(dim))
}

/** What a router is trained on, and from where. */
export interface Training {
  readonly lessons: Lessons
  readonly holders: Holders
  /** Tables of a geometric router to start from; the published router starts from noise. */
  readonly start: RouterTables
  /** A trained state to go on from instead. */
  readonly before?: TreeState
  /** How long, relative to a first training. */
  readonly effort: number
  readonly seed: number
  /** Beside other work, whose progress is told instead. */
  readonly aside?: boolean
}

/** Train a router in workers of its own. */
export async function trainRouter(build: Build, training: Training): Promise<TreeState & { loss: number }> {
  const { points, options } = build.input
  const { router } = options
  const { before, lessons, holders } = training
  const { queries, count } = lessons
  const published = router === 'seq2seq'
  const { leafCount } = build.shape
  const fits = published ? PUBLISHED_BATCH : Math.min(MOST_BATCH, Math.ceil(BATCH_SCORES / leafCount))
  const batch = Math.min(fits, Math.max(64, Math.ceil(count / 32)))
  const levelWise = router === 'residual' ? RESIDUAL_STEPS : STEPS[points.metric]
  const steps = published ? EPOCHS * Math.ceil(count / batch) : levelWise
  const labels = labelLessons(build, lessons, holders)
  const request = {
    router,
    arities: build.shape.arities,
    dim: points.dim,
    queries,
    ...labels,
    ...(before === undefined
      ? { tables: training.start.tables }
      : { tables: new Float32Array(0), weights: before.weights }),
    steps: Math.ceil(steps * training.effort),
    batch,
    learningRate: published ? PUBLISHED_RATE : RATE,
    seed: training.seed,
    trainer: options.trainer,
    mix: !published && before === undefined,
    usesNorm: points.metric !== 'ip',
  }
  const result = await build.train(request, training.aside)
  build.workspace.give(labels.labelOffsets, labels.labelLeaves, labels.labelWeights)
  build.trainer = result.trainer
  const tables = shareF32(result.tables)
  const last = result.losses.slice(-Math.max(1, Math.ceil(result.losses.length / 10)))
  const loss = last.length === 0 ? 0 : last.reduce((sum, value) => sum + value, 0) / last.length
  return {
    router: { kind: router, arities: build.shape.arities, tables },
    weights: Object.fromEntries(Object.entries(result.weights).map(([name, values]) => [name, shareF32(values)])),
    holders: training.holders,
    loss,
  }
}
