import { Rng } from '../base/rng.js'
import { sharedU32 } from '../base/shared.js'
import type { RouterTables, Votes } from '../pool/messages.js'
import { scoreRoot } from '../pool/route-tasks.js'
import { AuctionRoom } from './auction.js'
import { nodeCapacities } from './plan.js'
import {
  restThreads,
  rowsByLeaf,
  singleHolders,
  type Build,
  type Labelled,
  type RoundReport,
  type TreeState,
} from './context.js'
import { logVotes } from './queries.js'
import { trainRouter, type Training } from './route.js'
import { scoreTrees } from './tune.js'

/** Children of the root kept as candidates of a row. */
const ROOT_LIST = 48
const ROW_BLOCK = 1024
/** Training of a round, and after the last, relative to the first. */
const ROUND_EFFORT = 1
const FINAL_EFFORT = 2

/** Leaves of rows dealt at random, exactly balanced: the published start. */
export function randomLeaves(size: number, leafCount: number, seed: number): Uint32Array {
  const rows = new Rng(seed, 17).shuffle(new Uint32Array(size).map((_, i) => i))
  const leafOf = sharedU32(size)
  for (let i = 0; i < size; i++) leafOf[rows[i]!] = i % leafCount
  return leafOf
}

/**
 * Tree update, layer by layer: each row goes from the root to the child that the router gives it, under the capacity of
 * that level's nodes, then on within the node (paper, Algorithm 1, with prices in place of first come, first served).
 */
export async function navigateRows(build: Build, router: RouterTables, votes: Votes | undefined): Promise<Uint32Array> {
  const { pool, input, shape, report, workspace } = build
  const { points, options } = input
  const capacities = nodeCapacities(points.size, shape, options.slack)
  const arity = shape.arities[0]!
  const length = Math.min(ROOT_LIST, arity)
  const root = new AuctionRoom(build, { count: points.size, length, leafCount: arity, dense: false })
  const { table } = root
  await pool.each('navigateRoot', points.size, ROW_BLOCK, { points, router, votes, table }, (done, total) =>
    report('update', done, 2 * total),
  )
  const scoreAll = (row: number): Float32Array => scoreRoot(points, router, votes, row)
  let nodeOf = await root.assign(new Uint32Array(arity).fill(capacities[0]!), { scoreAll })
  for (let level = 1; level < shape.arities.length; level++) {
    const { offsets, rows } = rowsByLeaf(workspace, nodeOf, shape.nodeCounts[level - 1]!)
    const out = workspace.u32(points.size)
    await pool.each(
      'navigate',
      shape.nodeCounts[level - 1]!,
      1,
      { points, router, votes, level, offsets, rows, capacity: capacities[level]!, out },
      (done, total) => report('update', total + done, 2 * total),
    )
    workspace.give(offsets, rows, nodeOf)
    nodeOf = out
  }
  return nodeOf
}

/** Share of the rows that two partitions put in different leaves. */
function movedShare(before: Uint32Array, after: Uint32Array): number {
  let moved = 0
  for (let row = 0; row < before.length; row++) if (before[row] !== after[row]) moved++
  return moved / before.length
}

/** Queries that judge the rounds: those that select, and others that only look on. */
export interface Jury {
  readonly withheld: readonly Labelled[]
  readonly judge: readonly Labelled[] | undefined
}

/**
 * Turns of tree update and training. A round is kept only when it lowers the candidates that the withheld queries
 * need; otherwise the tree goes back to the best one, and the turns end: the same update would be made again.
 */
export async function alternate(
  build: Build,
  first: TreeState & { loss: number },
  training: Training,
  jury: Jury,
  tree: number,
): Promise<{ state: TreeState; rounds: RoundReport[] }> {
  const { rounds, router } = build.input.options
  const score = async (state: TreeState): Promise<{ withheld: number[]; judged: number[] | undefined }> => ({
    withheld: await scoreTrees(build, [state], jury.withheld),
    judged: jury.judge === undefined ? undefined : await scoreTrees(build, [state], jury.judge),
  })
  // As floats they take hundreds of megabytes of a large base.
  const votes = rounds > 0 ? logVotes(build, training.lessons) : undefined
  const value = (shares: readonly number[]): number => shares.reduce((sum, share) => sum + Math.log(share), 0)
  let best: TreeState = first
  let bestScore = await score(first)
  const reports: RoundReport[] = [{ tree, round: 0, kept: true, moved: 0, loss: first.loss, ...bestScore }]
  for (let round = 1; round <= rounds; round++) {
    const leafOf = await navigateRows(build, best.router, votes)
    await restThreads(build)
    const holders = singleHolders(leafOf)
    const seed = training.seed + round
    const state = await trainRouter(build, { ...training, holders, before: best, effort: ROUND_EFFORT, seed })
    const now = await score(state)
    const kept = value(now.withheld) < value(bestScore.withheld)
    reports.push({ tree, round, kept, moved: movedShare(best.holders.leaves, leafOf), loss: state.loss, ...now })
    if (!kept) break
    best = state
    bestScore = now
  }
  if (router === 'seq2seq') {
    const state = await trainRouter(build, {
      ...training,
      holders: best.holders,
      before: best,
      effort: FINAL_EFFORT,
      seed: training.seed + rounds + 1,
    })
    const now = await score(state)
    const kept = value(now.withheld) < value(bestScore.withheld)
    reports.push({ tree, round: rounds + 1, kept, moved: 0, loss: state.loss, ...now })
    if (kept) best = state
  }
  return { state: best, rounds: reports }
}
