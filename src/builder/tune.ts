import type { Holders, RouterTables } from '../pool/messages.js'
import { fitLadder, rankQuantile, type RankTable } from '../eval/ladder.js'
import type { BlockProgress } from '../pool/pool.js'
import { RouteModel } from '../search/route.js'
import type { Rung } from '../tree/snapshot.js'
import { sharedU32, type Build, type Labelled } from './context.js'

/** Queries a task. */
const QUERY_BLOCK = 64

/** The trees to judge: a router and who holds what, each. */
export interface Judged {
  readonly router: RouterTables
  readonly holders: Holders
}

/** Ranks of the true neighbours of withheld queries under some beam widths, sets joined. */
async function rankTable(
  build: Build,
  trees: readonly Judged[],
  sets: readonly Labelled[],
  beamWidths: readonly number[],
  unit: 'leaves' | 'entries' = 'leaves',
  progress?: BlockProgress,
): Promise<RankTable> {
  const { pool, input, shape } = build
  const k = sets[0]!.k
  const queries = sets.reduce((sum, { count }) => sum + count, 0)
  const ranks = new Uint32Array(beamWidths.length * queries * k)
  let before = 0
  for (const set of sets) {
    const out = sharedU32(beamWidths.length * set.count * k)
    const request = {
      points: input.points,
      routers: trees.map(({ router }) => router),
      queries: set.queries,
      total: set.count,
      neighbours: set.neighbours,
      k,
      holders: trees.map(({ holders }) => holders),
      beamWidths,
      unit,
      out,
    }
    await pool.each('beamRanks', set.count, QUERY_BLOCK, request, (done) => progress?.(before + done, queries))
    for (let b = 0; b < beamWidths.length; b++) {
      ranks.set(out.subarray(b * set.count * k, (b + 1) * set.count * k), (b * queries + before) * k)
    }
    before += set.count
  }
  return { ranks, queries, k, beamWidths, leafCount: shape.leafCount }
}

/** Beam widths worth trying: powers of the square root of two up to all nodes of the level above the leaves. */
function beamWidthsOf(build: Build): number[] {
  const nodes = build.shape.nodeCounts.at(-2) ?? 1
  const widths: number[] = []
  for (let width = 4; width < nodes; width = Math.ceil(width * Math.SQRT2)) widths.push(width)
  return [...widths, nodes]
}

/** The ladder of settings: for each number of probes the cheapest beam that loses nothing, and the recall reached. */
export async function tuneLadder(build: Build, trees: readonly Judged[], sets: readonly Labelled[]): Promise<Rung[]> {
  const { router } = build.input.options
  const { dim } = build.input.points
  const table = await rankTable(build, trees, sets, beamWidthsOf(build), 'leaves', (done, total) =>
    build.report('tune', done, total),
  )
  const below = build.shape.arities.length > 1 ? build.shape.arities.at(-1)! : build.shape.leafCount
  return fitLadder(table, {
    reach: (beamWidth) => Math.min(build.shape.leafCount, beamWidth * below),
    cost: (beamWidth) => RouteModel.multiplyAdds(router, build.shape, dim, beamWidth),
  })
}

/** Leaves to visit for a recall@10 on the withheld queries, without a beam. */
export async function probesFor(
  build: Build,
  tree: Judged,
  sets: readonly Labelled[],
  recall: number,
): Promise<number> {
  const nodes = build.shape.nodeCounts.at(-2) ?? 1
  const table = await rankTable(build, [tree], sets, [nodes])
  return Math.min(build.shape.leafCount, rankQuantile(table, recall, 10) + 1)
}

/** Share of the rows looked at for recall@10 of .90 and of .95, without a beam. */
export async function scoreTrees(build: Build, trees: readonly Judged[], sets: readonly Labelled[]): Promise<number[]> {
  const nodes = build.shape.nodeCounts.at(-2) ?? 1
  const table = await rankTable(build, trees, sets, [nodes], 'entries')
  return [0.9, 0.95].map((recall) => rankQuantile(table, recall, 10) / build.input.points.size)
}
