import type { Metric, Router } from '../base/options.js'
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
 * close to; under the inner product it has (docs/evidence.md).
 */
const STEPS: Readonly<Record<Metric, number>> = { l2: 50, cosine: 50, ip: 200 }
/** Of the residual router, whose encoder starts from nothing; of the published one, passes over the queries. */
const RESIDUAL_STEPS = 200
const EPOCHS = 10
/** Queries a step, at the least and at the most; a share of all of them in between. */
const LEAST_BATCH = 64
const MOST_BATCH = 2048
const PUBLISHED_BATCH = 1024
const LINEAR_SHARE = 1 / 64
const SHARE = 1 / 32
/** Scores of leaves a step, which bound its time and memory; where that is less than the share, there are more and smaller steps. */
const BATCH_SCORES = 1 << 22
const MORE_STEPS = 2
/** Learning rates of the first step, for queries of unit variance. */
const LINEAR_RATE = 2e-2
const RESIDUAL_RATE = 1e-2
const PUBLISHED_RATE = 1e-3

/** How a router is trained. */
interface Schedule {
  readonly steps: number
  readonly batch: number
  readonly learningRate: number
}

/** @param count - of queries. */
function scheduleOf(router: Router, metric: Metric, count: number, leafCount: number): Schedule {
  const fits = Math.min(MOST_BATCH, Math.ceil(BATCH_SCORES / leafCount))
  const share = (of: number, most: number): number => Math.min(most, Math.max(LEAST_BATCH, Math.ceil(count * of)))
  switch (router) {
    case 'linear': {
      const batch = share(LINEAR_SHARE, MOST_BATCH)
      const more = batch > fits ? MORE_STEPS : 1
      return { steps: STEPS[metric] * more, batch: Math.min(batch, fits), learningRate: LINEAR_RATE / more }
    }
    case 'residual':
      return { steps: RESIDUAL_STEPS, batch: share(SHARE, fits), learningRate: RESIDUAL_RATE }
    case 'seq2seq': {
      const batch = share(SHARE, PUBLISHED_BATCH)
      return { steps: EPOCHS * Math.ceil(count / batch), batch, learningRate: PUBLISHED_RATE }
    }
  }
}

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
  const schedule = scheduleOf(router, points.metric, count, build.shape.leafCount)
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
    ...schedule,
    steps: Math.ceil(schedule.steps * training.effort),
    seed: training.seed,
    trainer: options.trainer,
    mix: router !== 'seq2seq' && before === undefined,
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
