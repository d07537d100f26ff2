import { costliestRows } from '../partition/copies.js'
import { NO_ROW } from '../partition/points.js'
import { nearnessRouter } from '../partition/route-block.js'
import type { CentroidTree, Holders } from '../pool/messages.js'
import type { BlockProgress } from '../pool/pool.js'
import { blockRouterOf } from './route.js'
import { addHolders, fillUp, loadsOf } from './fill.js'
import { capacity } from './plan.js'
import { blockOf, type Build, type Labelled, type TreeState } from './context.js'
import { AuctionRoom } from './auction.js'
import { LIST_LENGTH, moveCentroids, withFallback, type Partition } from './partition.js'

/** Queries a task. */
const QUERY_BLOCK = 256
const ORDERED_BLOCK = 512
const ROW_BLOCK = 4096
/** Queries whose ranks are looked at together. */
const PART = 1 << 17
/** Counts by which a row's cost is drawn to the mean of all. */
const SHRINK = 1

/**
 * How badly queries miss each row: the mean of log(1 + rank of its leaf) over the queries that have it among their
 * nearest, shrunk to the mean of all rows by one count.
 */
export async function rowCosts(build: Build, tree: TreeState, found: readonly Labelled[]): Promise<Float32Array> {
  const { pool, input, report, workspace } = build
  const { size } = input.points
  if (input.study?.evenCopies === true) return new Float32Array(size)
  const sums = new Float64Array(size)
  const counts = new Uint32Array(size)
  const total = found.reduce((sum, { count }) => sum + count, 0)
  let before = 0
  for (const set of found.flatMap(partsOf)) {
    const ranks = workspace.u32(set.count * set.k)
    const request = {
      points: input.points,
      queries: set.queries,
      neighbours: set.neighbours,
      k: set.k,
      holders: tree.holders,
      out: ranks,
    }
    const progress: BlockProgress = (done) => report('encode', before + done, total)
    const { order } = set
    if (order === undefined || tree.router.kind !== 'linear') {
      await pool.each('ranks', set.count, QUERY_BLOCK, { ...request, router: tree.router }, progress)
    } else {
      const router = blockRouterOf(tree.router, input.points.dim)
      await pool.each('blockRanks', set.count, ORDERED_BLOCK, { ...request, router, order }, progress)
    }
    before += set.count
    for (let i = 0; i < ranks.length; i++) {
      if (ranks[i] === NO_ROW) continue
      const row = set.neighbours[i]!
      sums[row]! += Math.log1p(ranks[i]!)
      counts[row]!++
    }
    workspace.give(ranks)
  }
  let all = 0
  let named = 0
  for (let row = 0; row < size; row++) {
    all += sums[row]!
    named += counts[row]!
  }
  const mean = all / Math.max(1, named)
  const costs = new Float32Array(size)
  for (let row = 0; row < size; row++) costs[row] = (sums[row]! + SHRINK * mean) / (counts[row]! + SHRINK)
  return costs
}

/** A set in parts, whose ranks are not all held at once, where its queries are stored rows: they lie in their order. */
export function partsOf(set: Labelled): Labelled[] {
  const { queries, count, k, neighbours, order } = set
  const { positions } = queries
  if (positions === undefined) return [set]
  return Array.from({ length: Math.ceil(count / PART) }, (_, i) => {
    const [first, end] = [i * PART, Math.min(count, (i + 1) * PART)]
    return {
      queries: { positions: positions.subarray(first, end) },
      count: end - first,
      k,
      neighbours: neighbours.subarray(first * k, end * k),
      ...(order === undefined ? {} : { order: order.subarray(0, end - first) }),
    }
  })
}

/** Leaves that hold each row. */
function heldCounts({ offsets }: Holders): Uint8Array {
  return new Uint8Array(offsets.length - 1).map((_, row) => offsets[row + 1]! - offsets[row]!)
}

/**
 * Give further copies to the rows that queries miss, those of highest cost first: each into a leaf near it whose
 * residual is near-orthogonal to those that it has, under the capacity that counts copies. Third copies come only when
 * every row has two.
 * @param cost - see `rowCosts`.
 */
export async function addCopies(
  build: Build,
  tree: TreeState,
  geometry: Partition,
  cost: Float32Array,
): Promise<Holders> {
  const { input, shape, workspace } = build
  const { points, options, entryCount } = input
  let { holders } = tree
  const { centres, leafOf } = geometry
  const moved = leafOf !== holders.leaves
  const centroids = moved ? await moveCentroids(build, centres, holders.leaves) : centres
  const room = capacity(entryCount, shape.leafCount, options.slack)
  while (holders.leaves.length < entryCount) {
    const missing = entryCount - holders.leaves.length
    const rows = workspace.copyU32(costliestRows(cost, heldCounts(holders), Math.min(missing, points.size)))
    const placed = await placeCopies(build, centroids, holders, rows, room)
    const before = holders.leaves.length
    holders = addHolders(holders, rows, placed)
    workspace.give(rows, placed)
    if (holders.leaves.length === before) break
  }
  return fillUp(holders, entryCount, room, shape.leafCount)
}

/** A leaf for a further copy of each of `rows`, under the capacity that counts copies; `NO_LEAF` where there is none. */
async function placeCopies(
  build: Build,
  tree: CentroidTree,
  holders: Holders,
  rows: Uint32Array,
  room: number,
): Promise<Uint32Array> {
  const { leafCount } = build.shape
  const length = Math.min(LIST_LENGTH, leafCount)
  const capacities = loadsOf(holders, leafCount).map((load) => Math.max(0, room - load))
  const auction = new AuctionRoom(build, { count: rows.length, length, leafCount, dense: false })
  const { table } = auction
  const { pool, input } = build
  const { points } = input
  const router = nearnessRouter(tree.levels, build.width)
  const block = blockOf(rows.length, ROW_BLOCK)
  await pool.each('lists', rows.length, block, { points, router, rows, table })
  await pool.each('copyLists', rows.length, block, { points, tree, holders, rows, table })
  return withFallback(build, tree, (scoreAll) =>
    auction.assign(capacities, {
      scoreAll: (i) => scoreAll(rows[i]!),
      forbidden: (i, leaf) => holds(holders, rows[i]!, leaf),
    }),
  )
}

function holds(holders: Holders, row: number, leaf: number): boolean {
  for (let i = holders.offsets[row]!; i < holders.offsets[row + 1]!; i++) if (holders.leaves[i] === leaf) return true
  return false
}
