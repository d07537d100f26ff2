import { InvalidArgumentError } from '../base/errors.js'
import type { Router } from '../base/options.js'
import type { ExchangeMemory } from '../base/exchange.js'
import { treeShape } from '../tree/shape.js'
import type { TreeShape } from '../tree/shape.js'
import { countQueries, type StoredQueries } from '../base/stored-queries.js'
import type { TrainerName } from './tf.js'

/** What a router learns from, and how. Plain data: crosses a thread boundary as it is. */
export interface TrainRequest {
  router: Router
  /** Children per node, root first. */
  arities: readonly number[]
  dim: number
  /** Routing queries, `[count * dim]` or as stored, of any scale: they are centred and scaled inside, and the tables take them raw. */
  queries: Float32Array | StoredQueries
  /** `[count + 1]`: the leaves of query i are entries `[labelOffsets[i], labelOffsets[i + 1])` of the two arrays below. */
  labelOffsets: Uint32Array
  /** Leaves that hold the query's neighbours; a leaf may repeat. A query without any is skipped. */
  labelLeaves: Uint32Array
  /** Positive, with sum 1 over the entries of a query. */
  labelWeights: Float32Array
  /** `linear`, `residual`: where to start, as `routerTensors('linear')` lays it out. `seq2seq` takes none of it. */
  tables: Float32Array
  /** `TrainResult.weights` of an earlier result of the same router and shape, to go on from instead of `tables`. */
  weights?: Readonly<Record<string, Float32Array>>
  /** Optimiser steps; 0 only converts (and, without `weights`, fits the temperature of) the start. */
  steps: number
  /** Queries a step. */
  batch: number
  /** Of the first step; falls to a tenth along a cosine. 3e-3 suits `linear` and `residual`, 1e-3 `seq2seq`. */
  learningRate: number
  seed: number
  trainer: 'auto' | TrainerName
  /** Folder or address (with a final slash) of the WASM backend's binaries, in place of the one that the library carries. */
  trainerBase?: string
  /** Another worker trains the same request with the other half of each batch, and both end with the same weights. */
  team?: { readonly memory: ExchangeMemory; readonly half: number }
  /** Called when all that only the start takes is done with. */
  ready?: () => Promise<void>
  /** Called after each step; one that shares its thread may return a promise, which is waited for. */
  onStep?: (done: number, total: number) => Promise<void> | undefined | void
}

export interface TrainResult {
  /** `routerTensors(router, shape, dim)`, padding included: scores raw routing queries. */
  tables: Float32Array
  /** To go on from. */
  weights: Record<string, Float32Array>
  /** What trained. */
  trainer: TrainerName
  /** `[steps]` mean loss of each step's queries, in nats, summed over the levels. */
  losses: Float32Array
}

/**
 * Check a request, so that a wrong one fails here and not as a NaN somewhere in training.
 * @returns the tree's shape.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT naming the field.
 */
export function checkRequest(request: TrainRequest): TreeShape {
  const { arities, dim, queries, labelOffsets, labelLeaves, labelWeights, steps, batch, learningRate } = request
  if (arities.length === 0)
    throw new InvalidArgumentError('arities', 'arities is empty; give one number of children per level')
  for (const arity of arities) checkInteger('arities', arity, 1)
  checkInteger('dim', dim, 1)
  checkInteger('steps', steps, 0)
  checkInteger('batch', batch, 1)
  if (!(learningRate > 0 && Number.isFinite(learningRate))) {
    throw new InvalidArgumentError(
      'learningRate',
      `learningRate is ${learningRate}; give a positive number such as 0.003`,
    )
  }
  const count = countQueries(queries, dim)
  checkLength('labelOffsets', labelOffsets.length, count + 1)
  checkLength('labelLeaves', labelLeaves.length, labelOffsets[count] ?? 0)
  checkLength('labelWeights', labelWeights.length, labelLeaves.length)
  const shape = treeShape(arities)
  const stray = labelLeaves.findIndex((leaf) => leaf >= shape.leafCount)
  if (stray >= 0) {
    const message = `labelLeaves[${stray}] is ${labelLeaves[stray]}, but the tree has ${shape.leafCount} leaves, counted from 0`
    throw new InvalidArgumentError('labelLeaves', message)
  }
  if (!labelWeights.every((weight) => weight > 0 && weight < Infinity)) {
    throw new InvalidArgumentError(
      'labelWeights',
      'labelWeights must be positive and sum to 1 over the labels of a query',
    )
  }
  return shape
}

/** @throws {InvalidArgumentError} when an array has another length than the request's other fields ask for. */
export function checkLength(name: string, received: number, expected: number): void {
  if (received === expected) return
  const message = `${name} has ${received} values, but arities, dim and the other arrays ask for ${expected}`
  throw new InvalidArgumentError(name, message)
}

function checkInteger(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new InvalidArgumentError(name, `${name} is ${value}; give an integer of at least ${least}`)
}
