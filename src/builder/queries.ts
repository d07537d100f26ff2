import { EXACT_ROWS } from '../base/options.js'
import { Rng } from '../base/rng.js'
import { rowStride } from '../base/matrix.js'
import { sharedBuffer } from '../base/shared.js'
import { readRow } from '../search/query.js'
import type { Holders, QuerySet, RouterTables, Votes } from '../pool/messages.js'
import { rowsByLeaf, sharedF32, sharedU32, shareU32, type Build, type Labelled } from './context.js'
import { learnablePositions } from './partition.js'

/** Queries withheld to select and tune by: at least, at most. */
const WITHHELD_LEAST = 2000
const WITHHELD_MOST = 4000
/** Neighbours of a withheld query: the largest k that is tuned. */
export const TRUTH_K = 100
/** Queries a task. */
const QUERY_BLOCK = 512
const TRUTH_BLOCK = 256
const FIRST_BLOCK = 64
/** Base rows that are searched for labels and costs: all up to this many, a third of a base beyond three times as many. */
const SEARCHED_ROWS = 1_000_000
/** No row. */
const NO_ROW = 0xffff_ffff

/** Which queries serve for what. Row numbers, and log queries by their number. */
export interface QuerySplit {
  readonly withheldRows: Uint32Array
  readonly withheldLog: Uint32Array
  readonly learnedLog: Uint32Array
}

/** Withhold logged queries where there is a log, else base rows; a short log is filled up with base rows. */
export function splitQueries(size: number, logged: number, seed: number): QuerySplit {
  const rng = new Rng(seed, 3)
  const log = rng.sample(logged, logged)
  const fromLog = Math.min(WITHHELD_MOST, Math.floor(logged / 2))
  const wanted =
    logged === 0 ? Math.min(WITHHELD_MOST, Math.max(WITHHELD_LEAST, Math.floor(size / 50))) : WITHHELD_LEAST
  const fromBase = Math.min(Math.max(0, wanted - fromLog), Math.floor(Math.max(size, EXACT_ROWS) / 2))
  return {
    withheldRows: rng.sample(size, fromBase).sort(),
    withheldLog: log.slice(0, fromLog).sort(),
    learnedLog: log.slice(fromLog).sort(),
  }
}

function logRows(log: Float32Array, dim: number, numbers: Uint32Array): Float32Array {
  const out = sharedF32(numbers.length * dim)
  for (let i = 0; i < numbers.length; i++) out.set(log.subarray(numbers[i]! * dim, (numbers[i]! + 1) * dim), i * dim)
  return out
}

/** Place of each row number. */
export function positionsOf(order: Uint32Array): Uint32Array {
  const positions = new Uint32Array(order.length)
  for (let position = 0; position < order.length; position++) positions[order[position]!] = position
  return positions
}

/** Exact nearest rows of the withheld queries, from the log and from the base. */
export async function withheldTruth(build: Build, split: QuerySplit): Promise<Labelled[]> {
  const { pool, input, report } = build
  const { points, log } = input
  const places = positionsOf(build.order)
  const sets: { queries: QuerySet; count: number }[] = []
  if (split.withheldLog.length > 0) {
    sets.push({ queries: { matrix: logRows(log!, points.dim, split.withheldLog) }, count: split.withheldLog.length })
  }
  if (split.withheldRows.length > 0) {
    sets.push({
      queries: { positions: shareU32(split.withheldRows.map((row) => places[row]!)) },
      count: split.withheldRows.length,
    })
  }
  const total = sets.reduce((sum, { count }) => sum + count, 0)
  let before = 0
  const labelled: Labelled[] = []
  for (const { queries, count } of sets) {
    const neighbours = sharedU32(count * TRUTH_K)
    await pool.each('truth', count, TRUTH_BLOCK, { points, queries, k: TRUTH_K, out: neighbours }, (done) =>
      report('labels', before + done, 2 * total),
    )
    before += count
    labelled.push({ queries, count, k: TRUTH_K, neighbours })
  }
  return labelled
}

/**
 * A linear router that stands on the centroids, and the leaves it leads to, for searches during the build. The rows of
 * each leaf lie together.
 */
export interface GeometricIndex {
  readonly router: RouterTables
  readonly leafOf: Uint32Array
  readonly probes: number
}

/**
 * Near rows of the queries that are learned from: a wide search through a geometric partition.
 * @returns base rows first, then the log.
 */
export async function searchNeighbours(
  build: Build,
  split: QuerySplit,
  index: GeometricIndex,
  k: number,
): Promise<Labelled[]> {
  const { pool, input, report, shape } = build
  const { points, log, options } = input
  const learnable = learnablePositions(build)
  const rng = new Rng(options.seed, 11)
  const count = Math.min(learnable.length, Math.max(SEARCHED_ROWS, Math.ceil(points.size / 3)))
  // Ascending positions: rows lie by leaf, so queries that follow one another visit the same leaves.
  const positions = shareU32(
    rng
      .sample(learnable.length, count)
      .map((i) => learnable[i]!)
      .sort(),
  )
  const sets: { queries: QuerySet; count: number }[] = [{ queries: { positions }, count }]
  const logged = split.learnedLog.length
  if (logged > 0) sets.push({ queries: { matrix: logRows(log!, points.dim, split.learnedLog) }, count: logged })
  const leafOffsets = rowsByLeaf(index.leafOf, shape.leafCount).offsets
  const { router, probes } = index
  const total = count + logged
  let before = 0
  const found: Labelled[] = []
  for (const set of sets) {
    const { queries } = set
    const neighbours = sharedU32(set.count * k)
    const order = await orderQueries(build, set, router)
    await pool.each(
      'neighbours',
      set.count,
      QUERY_BLOCK,
      { points, router, leafOffsets, queries, order, k, probes, out: neighbours },
      (done) => report('labels', total + before + done, 2 * total),
    )
    before += set.count
    found.push({ ...set, k, neighbours, order })
  }
  return found
}

/** Queries by their first leaf. Stored rows lie so already. */
async function orderQueries(
  { pool, input, shape }: Build,
  { queries, count }: { queries: QuerySet; count: number },
  router: RouterTables,
): Promise<Uint32Array> {
  if (queries.positions !== undefined) return shareU32(new Uint32Array(count).map((_, i) => i))
  const leafOf = sharedU32(count)
  await pool.each('firstLeaves', count, FIRST_BLOCK, { points: input.points, router, queries, out: leafOf })
  return rowsByLeaf(leafOf, shape.leafCount).rows
}

/** Queries in routing form and the leaves of their neighbours, for the trainer. */
export interface Lessons {
  readonly queries: Float32Array
  readonly labelOffsets: Uint32Array
  readonly labelLeaves: Uint32Array
  readonly labelWeights: Float32Array
  readonly count: number
}

/** Some of the searched queries, at most so many from the base and as many from the log, by a seeded draw. */
export function chooseLessons(found: readonly Labelled[], most: number, dim: number, seed: number): Labelled[] {
  const rng = new Rng(seed, 13)
  return found.map((set) => {
    const chosen = rng.sample(set.count, Math.min(set.count, most)).sort()
    const { positions, matrix } = set.queries
    const neighbours = sharedU32(chosen.length * set.k)
    chosen.forEach((i, n) => neighbours.set(set.neighbours.subarray(i * set.k, (i + 1) * set.k), n * set.k))
    const queries: QuerySet = positions
      ? { positions: shareU32(chosen.map((i) => positions[i]!)) }
      : { matrix: logRows(matrix!, dim, chosen) }
    return { queries, count: chosen.length, k: set.k, neighbours }
  })
}

/** Make the trainer's arrays: each query's neighbours vote with equal weight, and a row's copies share its vote. */
export function makeLessons(build: Build, sets: readonly Labelled[], holders: Holders): Lessons {
  const { dim, metric } = build.input.points
  const count = sets.reduce((sum, set) => sum + set.count, 0)
  const copiesOf = (position: number): number => holders.offsets[position + 1]! - holders.offsets[position]!
  const labels = sets.reduce((sum, { neighbours }) => {
    for (const position of neighbours) if (position !== NO_ROW) sum += copiesOf(position)
    return sum
  }, 0)
  const queries = sharedF32(count * dim)
  const labelOffsets = sharedU32(count + 1)
  const labelLeaves = sharedU32(labels)
  const labelWeights = sharedF32(labels)
  let n = 0
  let at = 0
  for (const set of sets) {
    for (let i = 0; i < set.count; i++) {
      const query = readQuery(build, set.queries, i)
      if (metric !== 'l2') normalise(query)
      queries.set(query, n * dim)
      const found = set.neighbours.subarray(i * set.k, (i + 1) * set.k)
      const near = found.indexOf(NO_ROW) < 0 ? found : found.subarray(0, found.indexOf(NO_ROW))
      for (const position of near) {
        const copies = copiesOf(position)
        for (let j = 0; j < copies; j++) {
          labelLeaves[at] = holders.leaves[holders.offsets[position]! + j]!
          labelWeights[at++] = 1 / (near.length * copies)
        }
      }
      labelOffsets[++n] = at
    }
  }
  return { queries, labelOffsets, labelLeaves, labelWeights, count }
}

function readQuery(build: Build, queries: QuerySet, i: number): Float32Array {
  const { points } = build.input
  const { dim, rowType, size, memory, rows } = points
  if (queries.matrix !== undefined) return queries.matrix.slice(i * dim, (i + 1) * dim)
  const bytes = new Uint8Array(memory.buffer, rows, size * rowStride(rowType, dim))
  return readRow(bytes, queries.positions![i]!, rowType, dim)
}

function normalise(query: Float32Array): void {
  let sum = 0
  for (const value of query) sum += value * value
  const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0
  for (let i = 0; i < query.length; i++) query[i]! *= scale
}

/**
 * For rows that logged queries have among their nearest, the mean of these queries: where users and items differ, a row
 * belongs where its queries go, not where it would go itself.
 */
export function logVotes(build: Build, lessons: readonly Labelled[]): Votes | undefined {
  const { dim, metric, size } = build.input.points
  const logged = lessons.filter(({ queries }) => queries.matrix !== undefined)
  if (logged.length === 0) return undefined
  const index = new Int32Array(sharedBuffer(size * 4)).fill(-1)
  let voted = 0
  for (const { neighbours } of logged) {
    for (const position of neighbours) if (position !== NO_ROW && index[position] === -1) index[position] = voted++
  }
  const matrix = sharedF32(voted * dim)
  const counts = new Uint32Array(voted)
  for (const set of logged) {
    for (let i = 0; i < set.count; i++) {
      const query = readQuery(build, set.queries, i)
      if (metric !== 'l2') normalise(query)
      for (const position of set.neighbours.subarray(i * set.k, (i + 1) * set.k)) {
        if (position === NO_ROW) continue
        const vote = index[position]!
        counts[vote]!++
        for (let j = 0; j < dim; j++) matrix[vote * dim + j]! += query[j]!
      }
    }
  }
  for (let i = 0; i < matrix.length; i++) matrix[i]! /= counts[Math.floor(i / dim)]!
  return { index, matrix }
}
