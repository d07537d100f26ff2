import { InvalidArgumentError } from '../base/errors.js'
import type { Rng } from '../base/rng.js'
import type { TreeShape } from '../tree/shape.js'
import { QueryRows } from './query-rows.js'
import type { TrainRequest } from './request.js'

/** Training scores (q - mean) / scale, whatever the queries' scale; tables get both folded in. */
export interface Normaliser {
  /** `[dim]` */
  readonly mean: Float32Array
  readonly scale: number
}

/**
 * Mean of the queries and the root of their mean squared distance to it.
 * Without the mean taken out, Adam's step sizes follow the part that all queries share and the rest learns slowly.
 * @throws {InvalidArgumentError} when a component is not finite.
 */
export function fitNormaliser(queries: TrainRequest['queries'], dim: number): Normaliser {
  const rows = new QueryRows(queries, dim)
  const { arena, width } = rows
  const count = Math.max(1, rows.count)
  const sumsAt = arena.allocate(width * 8)
  let squares = 0
  const mean = new Float32Array(dim)
  try {
    rows.each((_, some) => arena.kernels.addRows(rows.address, width * 4, some, width, 1, sumsAt))
    const sums = new Float64Array(arena.memory.buffer, sumsAt, dim)
    for (let d = 0; d < dim; d++) mean[d] = sums[d]! / count
    rows.each((_, some) => {
      rows.subtract(mean, some)
      squares += rows.sumOfSquares(some)
    })
  } finally {
    arena.free(sumsAt)
    rows.close()
  }
  if (!Number.isFinite(squares)) {
    throw new InvalidArgumentError(
      'queries',
      'queries hold a component that is not finite or too large; clean or rescale them',
    )
  }
  return { mean, scale: Math.fround(Math.sqrt(squares / count)) || 1 }
}

/**
 * Floats that a tensor is made from, used again for the next one: V8 would let tens of MB of such arrays gather before it
 * collects them. Backends copy what they are given, but the native one only when an operation first takes the tensor.
 */
class Scratch {
  #floats = new Float32Array(0)

  /** So many floats until the next call, with whatever they held. */
  take(length: number): Float32Array {
    if (length > this.#floats.length) this.#floats = new Float32Array(length)
    return this.#floats.subarray(0, length)
  }
}

/** What the tensors of a block are made from. */
export class BlockScratch {
  readonly features = new Scratch()
  readonly targets = new Scratch()
}

/**
 * Normalised queries as rows of `dim` floats, and a column of ones after them where `ones` asks for it.
 * @param scratch - holds the result.
 */
export function featureRows(
  { queries, dim }: Pick<TrainRequest, 'queries' | 'dim'>,
  { mean, scale }: Normaliser,
  ids: Uint32Array,
  ones: boolean,
  scratch = new Scratch(),
): Float32Array {
  const width = ones ? dim + 1 : dim
  const out = scratch.take(ids.length * width)
  const rows = new QueryRows(queries, dim)
  try {
    rows.each((first, count, values) => {
      rows.subtract(mean, count)
      rows.multiply(1 / scale, count)
      for (let i = 0; i < count; i++) {
        const to = (first + i) * width
        out.set(values.subarray(i * rows.width, i * rows.width + dim), to)
        if (ones) out[to + dim] = 1
      }
    }, ids)
  } finally {
    rows.close()
  }
  return out
}

/** Labelled queries in shuffled passes: each once before any twice, batches of equal size across the seams. */
export class QueryStream {
  readonly #order: Uint32Array
  readonly #rng: Rng
  #next = 0

  /** @throws {InvalidArgumentError} when no query has a label. */
  constructor({ labelOffsets }: TrainRequest, rng: Rng) {
    const ids: number[] = []
    for (let i = 0; i + 1 < labelOffsets.length; i++) if (labelOffsets[i + 1]! > labelOffsets[i]!) ids.push(i)
    if (ids.length === 0) {
      throw new InvalidArgumentError(
        'labelOffsets',
        'no training query has a label; give at least one leaf for one query',
      )
    }
    this.#order = rng.shuffle(Uint32Array.from(ids))
    this.#rng = rng
  }

  /** Queries of the next batch: `batch`, or all there are where they are fewer. */
  next(batch: number): Uint32Array {
    const ids = new Uint32Array(Math.min(batch, this.#order.length))
    for (let i = 0; i < ids.length; i++) {
      if (this.#next === this.#order.length) {
        this.#rng.shuffle(this.#order)
        this.#next = 0
      }
      ids[i] = this.#order[this.#next++]!
    }
    return ids
  }
}

/**
 * Soft targets of one level: the share of a query's neighbours below each node.
 * @param scratch - holds the result.
 * @returns `[ids.length * nodes]`, row-major.
 */
export function levelTargets(
  request: TrainRequest,
  shape: TreeShape,
  level: number,
  ids: Uint32Array,
  scratch = new Scratch(),
): Float32Array {
  const { labelOffsets, labelLeaves, labelWeights } = request
  const nodes = shape.nodeCounts[level]!
  const leavesPerNode = shape.leafCount / nodes
  const targets = scratch.take(ids.length * nodes).fill(0)
  for (let i = 0; i < ids.length; i++) {
    const query = ids[i]!
    for (let j = labelOffsets[query]!; j < labelOffsets[query + 1]!; j++) {
      targets[i * nodes + Math.floor(labelLeaves[j]! / leavesPerNode)]! += labelWeights[j]!
    }
  }
  return targets
}

/** One leaf for each query, drawn by the weights of its labels. */
export function sampleLeaves(request: TrainRequest, ids: Uint32Array, rng: Rng): Uint32Array {
  const { labelOffsets, labelLeaves, labelWeights } = request
  return ids.map((query) => {
    const end = labelOffsets[query + 1]! - 1
    let left = rng.uniform()
    let j = labelOffsets[query]!
    while (j < end && (left -= labelWeights[j]!) >= 0) j++
    return labelLeaves[j]!
  })
}
