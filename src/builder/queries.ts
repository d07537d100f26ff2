import { EXACT_ROWS } from '../base/options.js'
import { Rng } from '../base/rng.js'
import { rowStride } from '../base/matrix.js'
import { sharedBuffer, sharedF32, sharedU32 } from '../base/shared.js'
import { toUnit, type StoredQueries } from '../base/stored-queries.js'
import { nearGraph } from '../partition/near-graph.js'
import { NO_ROW } from '../partition/points.js'
import type { BlockRouter } from '../partition/route-block.js'
import type { Holders, QuerySet, Votes } from '../pool/messages.js'
import { rowsByLeaf, shareU32, type Build, type Labelled } from './context.js'
import { learnablePositions } from './partition.js'
import { Workspace } from './workspace.js'

/**
 * Queries withheld to select and tune by: from logs, and from large bases, at least and at most; fewer of a small base, whose
 * rows are better learned from.
 */
const WITHHELD_LEAST = 2000
const WITHHELD_MOST = 4000
const WITHHELD_SMALL = 1000
const WITHHELD_SHARE = 0.1
/** Neighbours of a withheld query: the largest k that is tuned. */
export const TRUTH_K = 100
/** Queries a task. */
const QUERY_BLOCK = 512
const TRUTH_BLOCK = 256
/** Base rows that are searched for labels and costs: all up to this many, a third of a base beyond three times as many. */
const SEARCHED_ROWS = 1_000_000

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
  const least = Math.min(WITHHELD_LEAST, Math.max(WITHHELD_SMALL, Math.floor(size * WITHHELD_SHARE)))
  const wanted = logged === 0 ? Math.min(WITHHELD_MOST, Math.max(least, Math.floor(size / 50))) : WITHHELD_LEAST
  const fromBase = Math.min(Math.max(0, wanted - fromLog), Math.floor(Math.max(size, EXACT_ROWS) / 2))
  return {
    withheldRows: rng.sample(size, fromBase).sort(),
    withheldLog: log.slice(0, fromLog).sort(),
    learnedLog: log.slice(fromLog).sort(),
  }
}

/** Some queries of the log, where they lie. */
function logQueries({ input }: Build, numbers: Uint32Array, workspace: Workspace): QuerySet {
  return { matrix: input.log!, rows: workspace.copyU32(numbers) }
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
  const { points } = input
  const places = positionsOf(build.order)
  const sets: { queries: QuerySet; count: number }[] = []
  if (split.withheldLog.length > 0) {
    sets.push({ queries: logQueries(build, split.withheldLog, build.workspace), count: split.withheldLog.length })
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
      report('labels', before + done, 3 * total),
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
  readonly router: BlockRouter
  readonly leafOf: Uint32Array
  readonly probes: number
}

/**
 * Near rows of the queries that are learned from: a search through a geometric partition, and then a look at what is
 * near to what it found. What such a search misses lies in other leaves, and those are the very rows that copies are for;
 * but who is near them is mostly in a leaf that was looked into (Dong et al., "Efficient k-nearest neighbor graph
 * construction", 2011).
 * @returns base rows first, then the log.
 */
export async function searchNeighbours(
  build: Build,
  split: QuerySplit,
  index: GeometricIndex,
  k: number,
): Promise<Labelled[]> {
  const { pool, input, report, shape, workspace } = build
  const { points, options } = input
  // What is found goes before the build ends, and the lists that it is found from go first.
  const [kept, passing] = [new Workspace(), new Workspace()]
  const learnable = learnablePositions(build)
  const rng = new Rng(options.seed, 11)
  const count = Math.min(learnable.length, Math.max(SEARCHED_ROWS, Math.ceil(points.size / 3)))
  // Ascending positions: rows lie by leaf, so queries that follow one another visit the same leaves.
  const positions = kept.copyU32(
    rng
      .sample(learnable.length, count)
      .map((i) => learnable[i]!)
      .sort(),
  )
  const sets: { queries: QuerySet; count: number }[] = [{ queries: { positions }, count }]
  const logged = split.learnedLog.length
  if (logged > 0) sets.push({ queries: logQueries(build, split.learnedLog, kept), count: logged })
  const { offsets: leafOffsets, rows } = rowsByLeaf(workspace, index.leafOf, shape.leafCount)
  workspace.give(rows)
  const { router, probes } = index
  const total = count + logged
  let before = 0
  const found: (Labelled & { order: Uint32Array })[] = []
  for (const set of sets) {
    const { queries } = set
    const neighbours = passing.u32(set.count * k)
    const order = await orderQueries(build, set, router, kept)
    await pool.each(
      'neighbours',
      set.count,
      QUERY_BLOCK,
      { points, router, leafOffsets, queries, order, k, probes, out: neighbours },
      (done) => report('labels', total + before + done, 3 * total),
    )
    before += set.count
    found.push({ ...set, k, neighbours, order })
  }
  workspace.give(leafOffsets)
  return joinNeighbours(build, found, positions, { kept, passing })
}

/**
 * The nearest of the neighbours that were found and of their neighbours.
 * @param positions - of the base rows, the first of the sets.
 */
async function joinNeighbours(
  { pool, input, report }: Build,
  found: readonly (Labelled & { order: Uint32Array })[],
  positions: Uint32Array,
  { kept, passing }: { kept: Workspace; passing: Workspace },
): Promise<Labelled[]> {
  const { points } = input
  const { k, neighbours: lists } = found[0]!
  const graph = nearGraph(positions, lists, { k, size: points.size }, (length) => passing.u32(length))
  const total = found.reduce((sum, { count }) => sum + count, 0)
  let before = 0
  const joined: Labelled[] = []
  for (const set of found) {
    const { queries, order, neighbours: near } = set
    const out = kept.u32(set.count * k)
    await pool.each('join', set.count, QUERY_BLOCK, { points, queries, order, near, graph, out }, (done) =>
      report('labels', 2 * total + before + done, 3 * total),
    )
    before += set.count
    joined.push({ ...set, neighbours: out })
  }
  return joined
}

/** Queries by their first leaf. Stored rows lie so already. */
async function orderQueries(
  build: Build,
  { queries, count }: { queries: QuerySet; count: number },
  router: BlockRouter,
  kept: Workspace,
): Promise<Uint32Array> {
  const { pool, input, shape, workspace } = build
  if (queries.positions !== undefined) {
    const order = kept.u32(count)
    for (let i = 0; i < count; i++) order[i] = i
    return order
  }
  const leafOf = workspace.u32(count)
  await pool.each('firstLeaves', count, QUERY_BLOCK, { points: input.points, router, queries, out: leafOf })
  const { rows } = rowsByLeaf(kept, leafOf, shape.leafCount)
  workspace.give(leafOf)
  return rows
}

/** Queries that routers learn from, base rows first, with the positions of their nearest rows. */
export interface Lessons {
  /** In routing form: base rows as they are stored, then those from the log, where it lies. */
  readonly queries: StoredQueries
  readonly count: number
  /** How many are from the log: the last ones. */
  readonly logged: number
  readonly k: number
  /** [count * k], `NO_ROW` after the last. */
  readonly neighbours: Uint32Array
}

/** The leaves of the lessons' neighbours, as the trainer takes them. */
export interface Labels {
  readonly labelOffsets: Uint32Array
  readonly labelLeaves: Uint32Array
  readonly labelWeights: Float32Array
}

/** Some of the searched queries, at most so many from the base and as many from the log, by a seeded draw. */
export function chooseLessons(build: Build, found: readonly Labelled[], most: number, seed: number): Lessons {
  const { input, workspace } = build
  const { dim, metric, rowType, size, memory, rows } = input.points
  const rng = new Rng(seed, 13)
  const chosen = found.map((set) => rng.sample(set.count, Math.min(set.count, most)).sort())
  const [ofBase, ofLog = new Uint32Array(0)] = chosen as [Uint32Array, Uint32Array?]
  const count = ofBase.length + ofLog.length
  const { k } = found[0]!
  const neighbours = workspace.u32(count * k)
  let n = 0
  found.forEach((set, s) => {
    for (const i of chosen[s]!) neighbours.set(set.neighbours.subarray(i * k, (i + 1) * k), n++ * k)
  })
  const stride = rowStride(rowType, dim)
  const stored = new Uint8Array(memory.buffer, rows, size * stride)
  const bytes = workspace.u8(ofBase.length * stride)
  ofBase.forEach((i, to) => {
    const position = found[0]!.queries.positions![i]!
    bytes.set(stored.subarray(position * stride, (position + 1) * stride), to * stride)
  })
  const logged = found[1]?.queries.rows
  const otherRows = workspace.u32(ofLog.length)
  ofLog.forEach((i, to) => (otherRows[to] = logged![i]!))
  const queries = { bytes, type: rowType, unit: metric !== 'l2', others: input.log ?? new Float32Array(0), otherRows }
  return { queries, count, logged: ofLog.length, k, neighbours }
}

/** Give back what `chooseLessons` returned. */
export function dropLessons({ workspace }: Build, { queries, neighbours }: Lessons): void {
  workspace.give(queries.bytes, queries.otherRows, neighbours)
}

/** Neighbours of one of the lessons. */
function neighboursOf({ neighbours, k }: Lessons, i: number): Uint32Array {
  const all = neighbours.subarray(i * k, (i + 1) * k)
  const end = all.indexOf(NO_ROW)
  return end < 0 ? all : all.subarray(0, end)
}

/** Each query's neighbours vote with equal weight, a row's copies share its vote, and each leaf adds its votes up. */
export function labelLessons({ workspace, shape }: Build, lessons: Lessons, { offsets, leaves }: Holders): Labels {
  const { count } = lessons
  const lastBy = new Int32Array(shape.leafCount)
  /** Each leaf of a lesson's neighbours with a vote; `isNew` says that the lesson has not named it before. */
  const eachVote = (take: (lesson: number, leaf: number, weight: number, isNew: boolean) => void): void => {
    lastBy.fill(-1)
    for (let i = 0; i < count; i++) {
      const near = neighboursOf(lessons, i)
      for (const position of near) {
        const first = offsets[position]!
        const end = offsets[position + 1]!
        for (let j = first; j < end; j++) {
          const leaf = leaves[j]!
          take(i, leaf, 1 / (near.length * (end - first)), lastBy[leaf] !== i)
          lastBy[leaf] = i
        }
      }
    }
  }
  const labelOffsets = workspace.u32(count + 1)
  eachVote((i, _leaf, _weight, isNew) => {
    if (isNew) labelOffsets[i + 1]!++
  })
  for (let i = 0; i < count; i++) labelOffsets[i + 1]! += labelOffsets[i]!
  const labels = labelOffsets[count]!
  const labelLeaves = workspace.u32(labels)
  const labelWeights = workspace.f32(labels)
  const placeOf = new Uint32Array(shape.leafCount)
  let next = 0
  eachVote((_, leaf, weight, isNew) => {
    if (isNew) labelLeaves[(placeOf[leaf] = next++)] = leaf
    labelWeights[placeOf[leaf]!]! += weight
  })
  return { labelOffsets, labelLeaves, labelWeights }
}

/**
 * For rows that logged queries have among their nearest, the mean of these queries: where users and items differ, a row
 * belongs where its queries go, not where it would go itself.
 */
export function logVotes(build: Build, lessons: Lessons): Votes | undefined {
  const { dim, size } = build.input.points
  const { queries, count, logged } = lessons
  if (logged === 0) return undefined
  const first = count - logged
  const index = new Int32Array(sharedBuffer(size * 4)).fill(-1)
  let voted = 0
  for (let i = first; i < count; i++) {
    for (const position of neighboursOf(lessons, i)) if (index[position] === -1) index[position] = voted++
  }
  const matrix = sharedF32(voted * dim)
  const counts = new Uint32Array(voted)
  const query = new Float32Array(dim)
  for (let i = first; i < count; i++) {
    const row = queries.otherRows[i - first]!
    query.set(queries.others.subarray(row * dim, (row + 1) * dim))
    if (queries.unit) toUnit(query)
    for (const position of neighboursOf(lessons, i)) {
      const vote = index[position]!
      counts[vote]!++
      for (let j = 0; j < dim; j++) matrix[vote * dim + j]! += query[j]!
    }
  }
  for (let i = 0; i < matrix.length; i++) matrix[i]! /= counts[Math.floor(i / dim)]!
  return { index, matrix }
}
