import { Rng } from '../base/rng.js'
import type { CentroidTree, Lists } from '../pool/messages.js'
import { nodeCentroids } from '../partition/group.js'
import type { BlockProgress } from '../pool/pool.js'
import { capacity } from './plan.js'
import { rowsByLeaf, sharedF32, shareF32, sharedU32, shareU32, type Build } from './context.js'

/** Sample rows a coarse cluster, and a leaf, are learned from. */
const COARSE_SAMPLE = 256
const LEAF_SAMPLE = 64
const COARSE_ITERATIONS = 10
const REFINE_ITERATIONS = 10
/** Passes of Lloyd over all rows, each row to its nearest leaf; a study of plain k-means has no others. */
const LLOYD_PASSES = 4
const FLAT_PASSES = 10
/** Passes after these in which the leaves are balanced: the centroids must follow what balance moved. */
const BALANCED_PASSES = 5
/** Near leaves kept a row: for prices and for copies. */
const LIST_LENGTH = 32
/** Rows a task: some milliseconds to a quarter of a second. */
const ROW_BLOCK = 8192
const LEAF_BLOCK = 64

/** A geometric partition: leaf centroids in a tree, and a short list of near leaves for every row. */
export interface Partition {
  /** Centroids that the lists are made with. */
  readonly tree: CentroidTree
  /** Centroids of the leaves as they are. */
  readonly centres: CentroidTree
  readonly lists: Lists
  /** [size] leaf of each row, balanced. */
  readonly leafOf: Uint32Array
}

/**
 * Cluster the rows into balanced leaves and group these into a tree: two-level k-means on a sample, some passes of
 * Lloyd over all rows, then as many in which prices hold every leaf to its capacity.
 * @param settle - bring the rows of each leaf together in memory before the lists are made: for the first tree.
 */
export async function partition(build: Build, seed: number, settle: boolean): Promise<Partition> {
  const { pool, shape, input, report } = build
  const { points, options } = input
  const step =
    (from: number): BlockProgress =>
    (done, total) =>
      report('partition', from + Math.floor((done * 100) / total), 300)
  const leaves = await clusterLeaves(build, seed, step(0))
  const grouped = await pool.run('group', { leaves, arities: shape.arities, width: build.width, seed })
  let tree = shareTree(shape.arities, grouped.levels)
  const near = emptyLists(points.size, 1)
  const passes = input.study?.flat === true ? FLAT_PASSES : LLOYD_PASSES
  for (let pass = 0; pass < passes; pass++) {
    const progress: BlockProgress = (done, total) => step(100)(pass * total + done, passes * total)
    await pool.each('lists', points.size, ROW_BLOCK, { points, tree, lists: near }, progress)
    // Rows of a leaf that lie together are read together from here on.
    const nearest = settle && pass === 0 ? await settleRows(build, near.leaves) : near.leaves
    tree = await moveCentroids(build, tree, nearest)
  }
  if (input.study?.flat === true) {
    await pool.each('lists', points.size, ROW_BLOCK, { points, tree, lists: near })
    return { tree, centres: tree, lists: near, leafOf: near.leaves }
  }
  const room = capacity(points.size, shape.leafCount, options.slack)
  const lists = emptyLists(points.size, Math.min(LIST_LENGTH, shape.leafCount))
  for (let pass = 1; ; pass++) {
    const progress: BlockProgress = (done, total) => step(200)((pass - 1) * total + done, BALANCED_PASSES * total)
    await pool.each('lists', points.size, ROW_BLOCK, { points, tree, lists }, progress)
    const leafOf = shareU32(await pool.run('balance', { points, tree, lists, capacity: room }))
    const centres = await moveCentroids(build, tree, leafOf)
    if (pass === BALANCED_PASSES) return { tree, centres, lists, leafOf }
    tree = centres
  }
}

/** Move the rows of each leaf together; returns the leaf of each row where it lies now. */
export async function settleRows(build: Build, leafOf: Uint32Array): Promise<Uint32Array> {
  const { rows } = rowsByLeaf(leafOf, build.shape.leafCount)
  await build.pool.run('permute', { points: build.input.points, order: rows })
  const before = build.order
  build.order = rows.map((position) => before[position]!)
  return shareU32(rows.map((position) => leafOf[position]!))
}

/** Empty short lists of every row. */
export function emptyLists(size: number, length: number): Lists {
  return { leaves: sharedU32(size * length), scores: sharedF32(size * length), length }
}

function shareTree(arities: readonly number[], levels: readonly Float32Array[]): CentroidTree {
  return { arities, levels: levels.map((level) => shareF32(level)) }
}

/** Centroids at the means of each leaf's rows, those that are withheld left out. */
export async function moveCentroids(build: Build, tree: CentroidTree, leafOf: Uint32Array): Promise<CentroidTree> {
  const { pool, shape, input, width, order, withheldRows } = build
  const out = shareF32(tree.levels.at(-1)!)
  const counted = Int32Array.from(leafOf, (leaf, position) => (withheldRows.has(order[position]!) ? -1 : leaf))
  const { offsets, rows } = rowsByLeaf(counted, shape.leafCount)
  await pool.each('means', shape.leafCount, LEAF_BLOCK, { points: input.points, offsets, rows, out })
  return shareTree(tree.arities, nodeCentroids(out, shape, width))
}

/** Short lists of every row over a tree's centroids. */
export async function listLeaves(build: Build, tree: CentroidTree): Promise<Lists> {
  const { pool, shape, input } = build
  const lists = emptyLists(input.points.size, Math.min(LIST_LENGTH, shape.leafCount))
  await pool.each('lists', input.points.size, ROW_BLOCK, { points: input.points, tree, lists })
  return lists
}

/** Positions of the rows that may be learned from, ascending. */
export function learnablePositions({ order, withheldRows }: Build): Uint32Array {
  const positions = new Uint32Array(order.length - withheldRows.size)
  let count = 0
  for (let position = 0; position < order.length; position++) {
    if (!withheldRows.has(order[position]!)) positions[count++] = position
  }
  return positions
}

/** Two-level k-means: coarse clusters, then a share of the leaves in each. */
async function clusterLeaves(build: Build, seed: number, progress: BlockProgress): Promise<Float32Array> {
  const { pool, shape, input, width } = build
  const { points } = input
  const { leafCount } = shape
  const rng = new Rng(seed, 7)
  const learnable = learnablePositions(build)
  const pick = (count: number): Uint32Array => {
    const chosen = rng.sample(learnable.length, count)
    return shareU32(chosen.map((i) => learnable[i]!).sort())
  }
  const coarseCount = leafCount <= 64 ? 1 : Math.round(Math.sqrt(leafCount))
  const sample = pick(leafCount * LEAF_SAMPLE)
  if (coarseCount === 1) {
    return pool.run('coarse', { points, sample, k: leafCount, iterations: REFINE_ITERATIONS + COARSE_ITERATIONS, seed })
  }
  const coarseSample = pick(coarseCount * COARSE_SAMPLE)
  const centroids = shareF32(
    await pool.run('coarse', { points, sample: coarseSample, k: coarseCount, iterations: COARSE_ITERATIONS, seed }),
  )
  const cluster = sharedU32(sample.length)
  await pool.each(
    'nearest',
    sample.length,
    ROW_BLOCK,
    { points, rows: sample, centroids, out: cluster },
    (done, total) => progress(done, 2 * total),
  )
  const { offsets, rows } = rowsByLeaf(cluster, coarseCount)
  const shares = shareLeaves(offsets, leafCount)
  const leaves = new Float32Array(leafCount * width)
  const starts = shares.map((_, c) => shares.slice(0, c).reduce((sum, share) => sum + share, 0))
  let done = 0
  await Promise.all(
    shares.map(async (k, c) => {
      if (k === 0) return
      const members = shareU32(rows.subarray(offsets[c]!, offsets[c + 1]!).map((i) => sample[i]!))
      const found = await pool.run('refine', {
        points,
        rows: members,
        k,
        iterations: REFINE_ITERATIONS,
        seed,
        stream: 1000 + c,
      })
      leaves.set(found, starts[c]! * width)
      progress(++done + shares.length, 2 * shares.length)
    }),
  )
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
