import { Rng } from '../../build/base/rng.js'
import type { TrainRequest } from '../../build/train/router.js'
import { routerFloats, routerTensors, routerViews } from '../../build/tree/router.js'
import { treeShape } from '../../build/tree/shape.js'
import { levelScores } from './reference.js'

/** A request whose queries are floats. */
export type FloatRequest = TrainRequest & { queries: Float32Array }

const NEIGHBOURS = 10
const DIM = 24

/** Vectors of a seeded mixture of Gaussians whose axes differ in length. */
function draw(count: number, seed: number): Float32Array {
  const centres = new Rng(7, 1)
  const middles = new Float32Array(20 * DIM).map(() => centres.normal())
  const rng = new Rng(seed)
  const rows = new Float32Array(count * DIM)
  for (let i = 0; i < count; i++) {
    const middle = rng.below(20) * DIM
    for (let d = 0; d < DIM; d++) rows[i * DIM + d] = middles[middle + d]! + (rng.normal() * 4) / (4 + d)
  }
  return rows
}

function squared(a: Float32Array, i: number, b: Float32Array, j: number): number {
  let sum = 0
  for (let d = 0; d < DIM; d++) sum += (a[i * DIM + d]! - b[j * DIM + d]!) ** 2
  return sum
}

function nearest(centroids: Float32Array, rows: Float32Array, i: number): number {
  let best = 0
  for (let c = 1; c < centroids.length / DIM; c++)
    if (squared(rows, i, centroids, c) < squared(rows, i, centroids, best)) best = c
  return best
}

/** k-means of three passes: enough for leaves that a router can learn. */
function leafCentroids(base: Float32Array, leaves: number): Float32Array {
  let centroids = base.slice(0, leaves * DIM)
  for (let pass = 0; pass < 3; pass++) {
    const sums = new Float32Array(leaves * DIM)
    const counts = new Uint32Array(leaves)
    for (let i = 0; i < base.length / DIM; i++) {
      const leaf = nearest(centroids, base, i)
      counts[leaf]!++
      for (let d = 0; d < DIM; d++) sums[leaf * DIM + d]! += base[i * DIM + d]!
    }
    const before = centroids
    centroids = sums.map((sum, i) =>
      counts[Math.floor(i / DIM)]! > 0 ? sum / counts[Math.floor(i / DIM)]! : before[i]!,
    )
  }
  return centroids
}

/**
 * A request whose tables are the centroids of its leaves, and held-out queries of the same kind.
 * @param scale - multiplies every vector: 40 and `offset` 128 give the range of bytes.
 */
export function mixtureProblem(
  options: Omit<Partial<TrainRequest>, 'queries'> & {
    count?: number
    held?: number
    scale?: number
    offset?: number
  } = {},
): { request: FloatRequest; heldOut: FloatRequest } {
  const { count = 1500, held = 300, scale = 1, offset = 0, ...rest } = options
  const arities = rest.arities ?? [8, 8]
  const shape = treeShape(arities)
  const base = draw(3000, 1)
  const centroids = leafCentroids(base, shape.leafCount)
  const leafOf = Uint32Array.from({ length: base.length / DIM }, (_, i) => nearest(centroids, base, i))
  const raw = (values: Float32Array): Float32Array => values.map((value) => value * scale + offset)
  const tensors = routerTensors('linear', shape, DIM)
  const tables = new Float32Array(routerFloats(tensors))
  const views = routerViews(tensors, tables)
  const bottom = raw(centroids)
  shape.nodeCounts.forEach((nodes, level) => {
    const below = shape.leafCount / nodes
    const rows = views.get(`level ${level}`)!
    for (let node = 0; node < nodes; node++) {
      for (let d = 0; d < DIM; d++) {
        let sum = 0
        for (let leaf = node * below; leaf < (node + 1) * below; leaf++) sum += bottom[leaf * DIM + d]!
        rows[node * (rows.length / nodes) + d] = sum / below
        views.get(`bias ${level}`)![node]! -= (sum / below) ** 2 / 2
      }
    }
  })
  const label = (queries: Float32Array): FloatRequest => {
    const total = queries.length / DIM
    const labelLeaves = new Uint32Array(total * NEIGHBOURS)
    for (let q = 0; q < total; q++) {
      const distances = Float64Array.from(leafOf, (_, i) => squared(queries, q, base, i))
      const reach = distances.slice().sort()[NEIGHBOURS - 1]!
      let j = q * NEIGHBOURS
      distances.forEach((distance, i) => {
        if (distance <= reach && j < (q + 1) * NEIGHBOURS) labelLeaves[j++] = leafOf[i]!
      })
    }
    return {
      router: 'linear',
      dim: DIM,
      queries: raw(queries),
      labelOffsets: new Uint32Array(total + 1).map((_, i) => i * NEIGHBOURS),
      labelLeaves,
      labelWeights: new Float32Array(total * NEIGHBOURS).fill(1 / NEIGHBOURS),
      tables,
      steps: 60,
      batch: 256,
      learningRate: 1e-2,
      seed: 5,
      trainer: 'wasm',
      ...rest,
      arities,
    }
  }
  return { request: label(draw(count, 2)), heldOut: label(draw(held, 3)) }
}

/** Share of the neighbours in each query's `probes` best leaves by the scores `score`. */
export function leafRecall(
  { queries, dim, labelOffsets, labelLeaves, labelWeights }: FloatRequest,
  probes: number,
  score: (query: Float32Array) => readonly number[],
): number {
  let found = 0
  const count = queries.length / dim
  for (let q = 0; q < count; q++) {
    const scores = score(queries.subarray(q * dim, (q + 1) * dim))
    const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!)
    const kept = new Set(order.slice(0, probes))
    for (let j = labelOffsets[q]!; j < labelOffsets[q + 1]!; j++)
      if (kept.has(labelLeaves[j]!)) found += labelWeights[j]!
  }
  return found / count
}

/** Leaf recall of tables of a level-wise router, ranked by its last level. */
export function tableRecall(
  heldOut: FloatRequest,
  kind: 'linear' | 'residual',
  tables: Float32Array,
  probes = 3,
): number {
  const shape = treeShape(heldOut.arities)
  const last = shape.arities.length - 1
  return leafRecall(heldOut, probes, (query) => levelScores(kind, shape, tables, last, query))
}
