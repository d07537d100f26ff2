import { Rng } from '../base/rng.js'
import type { CentroidTree, GroupedRows } from '../pool/messages.js'
import { nodeCentroids } from '../partition/group.js'
import { MAX_ROUNDS, NO_LEAF } from '../partition/balance.js'
import { LeafTable } from '../partition/lists.js'
import { Points } from '../partition/points.js'
import { nearnessRouter } from '../partition/route-block.js'
import { localArena } from '../pool/context.js'
import type { BlockProgress } from '../pool/pool.js'
import { AuctionRoom } from './auction.js'
import { capacity } from './plan.js'
import { Workspace } from './workspace.js'
import { blockOf, restThreads, rowsByLeaf, type Build } from './context.js'

/** Sample rows a coarse cluster, and a leaf, are learned from. */
const COARSE_SAMPLE = 256
const LEAF_SAMPLE = 64
const COARSE_ITERATIONS = 10
const REFINE_ITERATIONS = 10
/**
 * Passes of Lloyd over all rows, each row to its nearest leaf: one where the leaves were learned from all of them; a study of
 * plain k-means has no others.
 */
const LLOYD_PASSES = 4
const FLAT_PASSES = 10
/**
 * Passes after these in which the leaves are balanced: the centroids must follow what balance moved. Fewer suffice where the
 * leaves were learned from all rows.
 */
const BALANCED_PASSES = 8
const BALANCED_OF_ALL = 6
/** Those of them that look for each row's list anew; the others score again what the lists hold. */
const LISTING_PASSES: readonly number[] = [1, 3, 6]
/** Rounds of prices in a pass, but for the last: what is still out of place is about as much as moves in the next. */
const PASS_ROUNDS = 8
/** Near leaves kept a row: for prices and for copies. */
export const LIST_LENGTH = 32
/** Leaves looked at for the nearest of a row: those near its first node, and near its leaf. */
const NODE_VICINITY = 1024
const NEAR_VICINITY = 256
/** Rows a task, and leaves a task: some milliseconds to a quarter of a second. */
const ROW_BLOCK = 8192
const LEAF_BLOCK = 64

/** A geometric partition: leaf centroids in a tree, and the leaf of every row. */
export interface Partition {
  /** Centroids of the leaves as they are. */
  readonly centres: CentroidTree
  /** [size] leaf of each row, balanced. */
  readonly leafOf: Uint32Array
}

/**
 * Cluster the rows into balanced leaves and group these into a tree: two-level k-means on a sample, some passes of
 * Lloyd over all rows, then as many in which prices hold every leaf to its capacity.
 * @param settle - bring the rows of each leaf together in memory: for the first tree.
 */
export async function partition(build: Build, seed: number, settle: boolean): Promise<Partition> {
  const step =
    (from: number): BlockProgress =>
    (done, total) =>
      build.report('partition', from + Math.floor((done * 100) / total), 300)
  if (build.input.study?.flat === true) {
    const { centres, leafOf } = await nearestPartition(build, seed, settle, step)
    return settle ? { centres, leafOf: await settleRows(build, leafOf) } : { centres, leafOf }
  }
  const start = renewed(build, (await nearestPartition(build, seed, settle, step)).centres)
  await restThreads(build)
  const { centres, leafOf } = await balanceLeaves(build, start, step(200))
  const settled = settle ? await settleRows(build, leafOf) : leafOf
  return { centres: renewed(build, centres), leafOf: build.workspace.copyU32(settled) }
}

/** Whether leaves are learned from a sample of the rows, and not from all of them. */
function isSampled({ input, shape }: Build): boolean {
  return input.points.size > shape.leafCount * LEAF_SAMPLE
}

/** Another workspace from here on, and the same tree in it: the one before goes when nothing refers to it any more. */
function renewed(build: Build, { arities, levels }: CentroidTree): CentroidTree {
  build.workspace = new Workspace()
  return shareTree(build, arities, levels)
}

/** Each row in its nearest leaf; where the leaves are balanced afterwards, as it was before the centroids moved last. */
async function nearestPartition(
  build: Build,
  seed: number,
  settle: boolean,
  step: (from: number) => BlockProgress,
): Promise<Partition> {
  const { pool, shape, input, workspace } = build
  const flat = input.study?.flat === true
  const leaves = await clusterLeaves(build, seed, step(0))
  const grouped = await pool.run('group', { leaves, arities: shape.arities, width: build.width, seed })
  let tree = shareTree(build, shape.arities, grouped.levels)
  let leafOf = await firstLeaves(build, tree)
  // Rows of a leaf that lie together are read together from here on.
  if (settle) leafOf = await settleRows(build, leafOf)
  const passes = flat ? FLAT_PASSES : isSampled(build) ? LLOYD_PASSES : 1
  for (let pass = 1; pass <= passes; pass++) {
    const moved = await moveCentroids(build, tree, leafOf)
    workspace.give(...tree.levels)
    tree = moved
    if (pass === passes && !flat) break
    if (flat) {
      workspace.give(leafOf)
      leafOf = await nearestOf(build, tree.levels.at(-1)!)
    } else leafOf = await nearestLeaves(build, tree, leafOf)
    step(100)(pass, passes)
  }
  return { centres: tree, leafOf }
}

/** Passes in which prices hold every leaf to its capacity, and the centroids follow. */
async function balanceLeaves(build: Build, start: CentroidTree, progress: BlockProgress): Promise<Partition> {
  const { pool, shape, input, workspace } = build
  const { points, options } = input
  const { leafCount } = shape
  const capacities = new Uint32Array(leafCount).fill(capacity(points.size, leafCount, options.slack))
  const length = Math.min(LIST_LENGTH, leafCount)
  const room = new AuctionRoom(build, { count: points.size, length, leafCount, dense: false })
  const { table } = room
  const passes = isSampled(build) ? BALANCED_PASSES : BALANCED_OF_ALL
  let centres = start
  for (let pass = 1; ; pass++) {
    if (LISTING_PASSES.includes(pass)) {
      const router = nearnessRouter(centres.levels, build.width)
      await pool.each('lists', points.size, blockOf(points.size, ROW_BLOCK), { points, router, table })
      await restThreads(build)
    } else {
      const centroids = centres.levels.at(-1)!
      await pool.each('rescore', points.size, blockOf(points.size, ROW_BLOCK), { points, centroids, table })
    }
    const leafOf = await withFallback(build, centres, (scoreAll) =>
      room.assign(capacities, { scoreAll }, pass < passes ? PASS_ROUNDS : MAX_ROUNDS),
    )
    const moved = await moveCentroids(build, centres, leafOf)
    workspace.give(...centres.levels)
    centres = moved
    progress(pass, passes)
    if (pass === passes) return { centres, leafOf }
    workspace.give(leafOf)
  }
}

/** Run with a way to score a row against all leaves, for the few that need it. */
export async function withFallback<T>(
  build: Build,
  tree: CentroidTree,
  use: (scoreAll: (position: number) => Float32Array) => Promise<T>,
): Promise<T> {
  const arena = localArena()
  // Made for the first row that asks: most often none does.
  let table: LeafTable | undefined
  const points = new Points(build.input.points, arena)
  try {
    return await use((position) => {
      table ??= new LeafTable(arena, tree.levels.at(-1)!, build.width)
      return table.scoreAll(points, position)
    })
  } finally {
    points.close()
    table?.close()
  }
}

/** Leaf of each row before any is known: the nearest of those near its nearest node of the level above the leaves. */
async function firstLeaves(build: Build, tree: CentroidTree): Promise<Uint32Array> {
  const { shape, input, width, workspace } = build
  const { points } = input
  if (shape.arities.length === 1)
    return nearestLeaves(
      build,
      tree,
      workspace.u32(points.size),
      Float32Array.from({ length: width }, () => 0),
    )
  const nodes = tree.levels.at(-2)!
  return nearestLeaves(build, tree, await nearestOf(build, nodes), nodes, NODE_VICINITY)
}

/** The nearest of all centroids for each row. */
async function nearestOf({ pool, input, workspace }: Build, centroids: Float32Array): Promise<Uint32Array> {
  const { points } = input
  const rows = workspace.u32(points.size)
  for (let row = 0; row < rows.length; row++) rows[row] = row
  const out = workspace.u32(points.size)
  await pool.each('nearest', points.size, blockOf(points.size, ROW_BLOCK), { points, rows, centroids, out })
  workspace.give(rows)
  return out
}

/**
 * The nearest leaf of each row, among those near the group that it is in: its leaf, or what `centres` are of.
 * @param groupOf - is given back.
 */
async function nearestLeaves(
  build: Build,
  tree: CentroidTree,
  groupOf: Uint32Array,
  centres: Float32Array = tree.levels.at(-1)!,
  look = NEAR_VICINITY,
): Promise<Uint32Array> {
  const { workspace } = build
  const groups = await groupRows(build, tree, groupOf, look, centres)
  workspace.give(groupOf)
  const out = workspace.u32(build.input.points.size)
  const count = groups.offsets.length - 1
  await build.pool.each('nearestLeaves', count, blockOf(count, LEAF_BLOCK), { ...groups, out })
  workspace.give(groups.offsets, groups.members, groups.vicinity.leaves)
  return out
}

/** Rows by group, with the `look` leaves nearest to the centre of each. */
async function groupRows(
  build: Build,
  tree: CentroidTree,
  groupOf: ArrayLike<number>,
  look: number,
  centres: Float32Array = tree.levels.at(-1)!,
): Promise<GroupedRows> {
  const { pool, shape, input, width, workspace } = build
  const centroids = tree.levels.at(-1)!
  const count = centres.length / width
  const { offsets, rows } = rowsByLeaf(workspace, groupOf, count)
  const length = Math.min(look, shape.leafCount)
  const leaves = workspace.u32(count * length)
  await pool.each('vicinities', count, 1024, { centres, centroids, width, length, out: leaves })
  return { points: input.points, centroids, offsets, members: rows, vicinity: { leaves, length } }
}

/**
 * Move the rows of each leaf together.
 * @param leafOf - is given back.
 * @returns the leaf of each row where it lies now.
 */
export async function settleRows(build: Build, leafOf: Uint32Array): Promise<Uint32Array> {
  const { workspace } = build
  const { offsets, rows } = rowsByLeaf(workspace, leafOf, build.shape.leafCount)
  await build.pool.run('permute', { points: build.input.points, order: rows })
  const { order } = build
  const before = workspace.copyU32(order)
  const settled = workspace.u32(rows.length)
  for (let to = 0; to < rows.length; to++) {
    const from = rows[to]!
    order[to] = before[from]!
    settled[to] = leafOf[from]!
  }
  workspace.give(offsets, rows, leafOf, before)
  return settled
}

function shareTree({ workspace }: Build, arities: readonly number[], levels: readonly Float32Array[]): CentroidTree {
  return { arities, levels: levels.map((level) => workspace.copyF32(level)) }
}

/** Centroids at the means of each leaf's rows, those that are withheld left out. */
export async function moveCentroids(build: Build, tree: CentroidTree, leafOf: Uint32Array): Promise<CentroidTree> {
  const { pool, shape, input, width, workspace, order, withheld } = build
  const out = workspace.copyF32(tree.levels.at(-1)!)
  const counted = workspace.copyU32(leafOf)
  for (let position = 0; position < counted.length; position++) {
    if (withheld[order[position]!] === 1) counted[position] = NO_LEAF
  }
  const { offsets, rows } = rowsByLeaf(workspace, counted, shape.leafCount)
  await pool.each('means', shape.leafCount, blockOf(shape.leafCount, LEAF_BLOCK), {
    points: input.points,
    offsets,
    rows,
    out,
  })
  const moved = shareTree(build, tree.arities, nodeCentroids(out, shape, width))
  workspace.give(counted, offsets, rows, out)
  return moved
}

/** Positions of the rows that may be learned from, ascending. */
export function learnablePositions({ order, withheld }: Build): Uint32Array {
  const positions = new Uint32Array(order.length)
  let count = 0
  for (let position = 0; position < order.length; position++) {
    if (withheld[order[position]!] === 0) positions[count++] = position
  }
  return positions.subarray(0, count)
}

/** Two-level k-means: coarse clusters, then a share of the leaves in each. */
async function clusterLeaves(build: Build, seed: number, progress: BlockProgress): Promise<Float32Array> {
  const { pool, shape, input, width, workspace } = build
  const { points } = input
  const { leafCount } = shape
  const rng = new Rng(seed, 7)
  const learnable = learnablePositions(build)
  const pick = (count: number): Uint32Array => {
    const chosen = rng.sample(learnable.length, count)
    return workspace.copyU32(chosen.map((i) => learnable[i]!).sort())
  }
  const coarseCount = leafCount <= 64 ? 1 : Math.round(Math.sqrt(leafCount))
  const sample = pick(leafCount * LEAF_SAMPLE)
  if (coarseCount === 1) {
    return pool.run('coarse', { points, sample, k: leafCount, iterations: REFINE_ITERATIONS + COARSE_ITERATIONS, seed })
  }
  const coarseSample = pick(coarseCount * COARSE_SAMPLE)
  const centroids = workspace.copyF32(
    await pool.run('coarse', { points, sample: coarseSample, k: coarseCount, iterations: COARSE_ITERATIONS, seed }),
  )
  const cluster = workspace.u32(sample.length)
  await pool.each(
    'nearest',
    sample.length,
    blockOf(sample.length, ROW_BLOCK),
    { points, rows: sample, centroids, out: cluster },
    (done, total) => progress(done, 2 * total),
  )
  const { offsets, rows } = rowsByLeaf(workspace, cluster, coarseCount)
  const shares = shareLeaves(offsets, leafCount)
  const leaves = new Float32Array(leafCount * width)
  const starts = shares.map((_, c) => shares.slice(0, c).reduce((sum, share) => sum + share, 0))
  let done = 0
  await Promise.all(
    shares.map(async (k, c) => {
      if (k === 0) return
      const members = workspace.copyU32(rows.subarray(offsets[c]!, offsets[c + 1]!).map((i) => sample[i]!))
      const found = await pool.run('refine', {
        points,
        rows: members,
        k,
        iterations: REFINE_ITERATIONS,
        seed,
        stream: 1000 + c,
      })
      workspace.give(members)
      leaves.set(found, starts[c]! * width)
      progress(++done + shares.length, 2 * shares.length)
    }),
  )
  workspace.give(sample, coarseSample, centroids, cluster, offsets, rows)
  return leaves
}

/** Leaves for each cluster in proportion to its rows, by largest remainder; none for an empty one. */
function shareLeaves(offsets: Uint32Array, leafCount: number): number[] {
  const sizes = Array.from({ length: offsets.length - 1 }, (_, c) => offsets[c + 1]! - offsets[c]!)
  const total = offsets.at(-1)!
  const exact = sizes.map((size) => (size * leafCount) / total)
  const shares = exact.map((share, c) => (sizes[c] === 0 ? 0 : Math.max(1, Math.floor(share))))
  const byRemainder = exact.map((_, c) => c).sort((a, b) => exact[b]! - shares[b]! - (exact[a]! - shares[a]!) || a - b)
  let missing = leafCount - shares.reduce((sum, share) => sum + share, 0)
  for (let i = 0; missing !== 0; i = (i + 1) % byRemainder.length) {
    const c = byRemainder[missing > 0 ? i : byRemainder.length - 1 - i]!
    const step = Math.sign(missing)
    if (sizes[c] === 0 || shares[c]! + step < 1) continue
    shares[c]! += step
    missing -= step
  }
  return shares
}
