import { sharedU32 } from '../base/shared.js'
import type { Holders, RouterTables, SharedIndex } from '../pool/messages.js'
import { endOf, fitLadder, fitVisits, rankQuantile, reachOf, tryVisits, type RankTable } from '../eval/ladder.js'
import { rankedEntries, type NearVisit, type TrialScores, type TrialTable, type Visit } from '../eval/trial.js'
import { searchCost } from '../search/cost.js'
import type { BlockProgress } from '../pool/pool.js'
import { TUNED_K, type Beam, type Rung, type SearchEffort } from '../tree/snapshot.js'
import { shareU32, type Build, type Labelled } from './context.js'

/** Queries a task. */
const QUERY_BLOCK = 64
/** A thread readies an index, its rotation in steps above all, for every task. */
const TRIAL_BLOCK = 32
/** Up to as many neighbours all withheld queries are needed to tell the recall. */
const FEW_NEIGHBOURS = 10

/** The trees to judge: a router and who holds what, each. */
export interface Judged {
  readonly router: RouterTables
  readonly holders: Holders
}

/** Ranks of the true neighbours of withheld queries under some beams, sets joined: in the workspace, which wants them back. */
async function rankTable(
  build: Build,
  trees: readonly Judged[],
  sets: readonly Labelled[],
  beams: readonly Beam[],
  unit: 'leaves' | 'entries' = 'leaves',
  progress?: BlockProgress,
): Promise<RankTable & { kept: number[] }> {
  const { pool, input, shape, workspace } = build
  const k = sets[0]!.k
  const queries = countOf(sets)
  const ranks = workspace.u32(beams.length * queries * k)
  const reached = workspace.u32(beams.length * queries)
  await eachSet(sets, (set, before) => {
    const request = {
      points: input.points,
      routers: trees.map(({ router }) => router),
      queries: set.queries,
      total: queries,
      neighbours: set.neighbours,
      k,
      holders: trees.map(({ holders }) => holders),
      beams,
      unit,
      out: ranks.subarray(before * k),
      reached: reached.subarray(before),
    }
    return pool.each('beamRanks', set.count, QUERY_BLOCK, request, (done) => progress?.(before + done, queries))
  })
  const kept = means(reached, queries).map((leaves) => leaves / (trees.length * below(build)))
  workspace.give(reached)
  return { ranks, queries, k, beams, leafCount: shape.leafCount, kept }
}

/** Leaves below a node of the level above them. */
function below({ shape: { arities } }: Build): number {
  return arities.at(-1)!
}

/** The mean of each row of a table of so many columns. */
function means(table: ArrayLike<number>, columns: number): number[] {
  return Array.from({ length: table.length / columns }, (_, row) => {
    let sum = 0
    for (let i = row * columns; i < (row + 1) * columns; i++) sum += table[i]!
    return sum / columns
  })
}

/** Beam widths worth trying: powers of the square root of two up to all nodes of the level above the leaves. */
function beamWidthsOf(build: Build): number[] {
  const nodes = build.shape.nodeCounts.at(-2) ?? 1
  const widths: number[] = []
  for (let width = 4; width < nodes; width = Math.ceil(width * Math.SQRT2)) widths.push(width)
  return [...widths, nodes]
}

/** The beam that leaves nothing out. */
function everyNode({ shape }: Build): Beam {
  return { beamWidth: shape.nodeCounts.at(-2) ?? 1, beamReach: 0 }
}

/** Beams worth trying. All nodes are kept where there are no more, since what a narrower beam loses is told by that. */
async function findBeams(build: Build, index: SharedIndex, sets: readonly Labelled[]): Promise<Beam[]> {
  const widths = beamWidthsOf(build)
  const narrower = widths.slice(0, -1)
  const reaches = await findReaches(build, index, sets, build.shape.arities.length - 1, narrower)
  return [...narrower.map((beamWidth, i) => ({ beamWidth, beamReach: reaches[i]! })), everyNode(build)]
}

/** What visits to more and more leaves hold, under each beam worth trying. */
async function findVisits(
  build: Build,
  index: SharedIndex,
  trees: readonly Judged[],
  sets: readonly Labelled[],
): Promise<Visit[]> {
  const beams = await findBeams(build, index, sets)
  const { kept, ...table } = await rankTable(build, trees, sets, beams, 'leaves', (done, total) =>
    build.report('tune', done / total, 3),
  )
  const visits = fitVisits(table, kept, below(build))
  build.workspace.give(table.ranks)
  return visits
}

/**
 * The reaches of a withheld query of average gaps, for some numbers of nodes that are kept at most.
 * @param depth - levels from the root to those nodes.
 */
async function findReaches(
  { pool, input, workspace }: Build,
  index: SharedIndex,
  sets: readonly Labelled[],
  depth: number,
  most: readonly number[],
): Promise<number[]> {
  if (most.length === 0) return []
  const queries = countOf(sets)
  const gaps = workspace.f32(most.length * queries)
  const places = most.map(endOf)
  await eachSet(sets, (set, before) => {
    const out = gaps.subarray(before)
    const request = { index, points: input.points, depth, places, queries: set.queries, total: queries, out }
    return pool.each('gaps', set.count, QUERY_BLOCK, request)
  })
  const mean = means(gaps, queries)
  workspace.give(gaps)
  return most.map((count, i) => reachOf(count, mean[i]!))
}

/** Run a step for each set of queries, one after the other; it is told how many queries stand before its own. */
async function eachSet(
  sets: readonly Labelled[],
  step: (set: Labelled, before: number) => Promise<unknown>,
): Promise<void> {
  let before = 0
  for (const set of sets) {
    await step(set, before)
    before += set.count
  }
}

function countOf(sets: readonly Labelled[]): number {
  return sets.reduce((sum, { count }) => sum + count, 0)
}

/**
 * The ladders of settings: leaves to visit and rows to rerank, tried on the index as it will be searched.
 * @param index - the index; `holders` of its trees are by position as the rows lie in it.
 */
export async function tuneLadders(
  build: Build,
  index: SharedIndex,
  trees: readonly Judged[],
  sets: readonly Labelled[],
): Promise<Rung[]> {
  const visits = await findVisits(build, index, trees, sets)
  const { leafCount } = build.shape
  const groups = [
    { ks: TUNED_K.filter((k) => k <= FEW_NEIGHBOURS), kept: sets },
    { ks: TUNED_K.filter((k) => k > FEW_NEIGHBOURS), kept: sets.map(someQueries) },
  ]
  const shares = groups.map(() => 0)
  // Side by side: ladders of the one are fitted while threads try settings for the other.
  const ladders = await Promise.all(
    groups.map(async ({ ks, kept }, i) => {
      // Without rows to compare, more leaves may also lose: what all of them give is measured, not assumed.
      const most = tryVisits(visits, ks, index.snapshot.rowType === 'none')
      const probes = most.map((visit) => visit.probes)
      const reaches = await findReaches(build, index, kept, build.shape.arities.length, probes)
      // A visit to every leaf is one.
      const tried = most.map((visit, v) => ({ ...visit, leafReach: visit.probes < leafCount ? reaches[v]! : 0 }))
      const table = await tryCodes(build, index, trees, kept, tried, ks, (share) => {
        shares[i] = share
        build.report(
          'tune',
          shares.reduce((sum, share) => sum + share, 1),
          1 + groups.length,
        )
      })
      const cost = (effort: SearchEffort, compared: number): number => searchCost(index.snapshot, effort, compared)
      const rungs = ks.flatMap((k) => fitLadder(table, k, leafCount, cost))
      build.workspace.give(table.ranks)
      if (table.scores) build.workspace.give(table.scores.least, table.scores.own, table.scores.scales)
      return rungs
    }),
  )
  return ladders.flat()
}

/** Every fourth query: many neighbours of a query tell as much as many queries. */
function someQueries({ queries, neighbours, k, count }: Labelled): Labelled {
  const kept = Uint32Array.from({ length: Math.ceil(count / 4) }, (_, i) => 4 * i)
  const { positions, matrix, rows } = queries
  const near = sharedU32(kept.length * k)
  kept.forEach((i, at) => near.set(neighbours.subarray(i * k, (i + 1) * k), at * k))
  return {
    queries:
      positions === undefined
        ? { matrix: matrix!, rows: shareU32(kept.map((i) => rows?.[i] ?? i)) }
        : { positions: shareU32(kept.map((i) => positions[i]!)) },
    count: kept.length,
    k,
    neighbours: near,
  }
}

/** How far down the order of codes the nearest of each query are under each visit: in the workspace, which wants it back. */
async function tryCodes(
  { pool, input, workspace }: Build,
  index: SharedIndex,
  trees: readonly Judged[],
  sets: readonly Labelled[],
  visits: readonly NearVisit[],
  ks: readonly number[],
  progress: (share: number) => void,
): Promise<TrialTable> {
  const queries = countOf(sets)
  const k = ks.at(-1)!
  const ranks = workspace.u32(visits.length * queries * k)
  const visited = workspace.u32(visits.length * queries)
  const sizes = { size: input.points.size, entryCount: input.entryCount }
  const reranked = index.snapshot.rowType !== 'none'
  const ordered = rankedEntries(ks, sizes)
  // Trees are searched one by one: what is near among the entries of one tells nothing of the others.
  const scores: TrialScores | undefined =
    reranked && trees.length === 1
      ? {
          ranks: ordered,
          least: workspace.i16(visits.length * queries * ordered.length),
          own: workspace.i16(visits.length * queries * k),
          scales: workspace.f32(queries),
        }
      : undefined
  const settings = visits.map(({ probes, leafReach, beams }) => {
    const { beamWidth, beamReach } = beams.at(-1)!
    return { probes, beamWidth, leafReach, beamReach, rerank: 1 }
  })
  await eachSet(sets, (set, before) => {
    const request = {
      index,
      points: input.points,
      settings,
      queries: set.queries,
      total: queries,
      neighbours: set.neighbours,
      known: set.k,
      k,
      holders: trees.map(({ holders }) => holders),
      out: ranks.subarray(before * k),
      visited: visited.subarray(before),
      ...(scores && {
        scores: {
          ranks: ordered,
          least: scores.least.subarray(before * ordered.length),
          own: scores.own.subarray(before * k),
          scales: scores.scales.subarray(before),
        },
      }),
    }
    return pool.each('codeRanks', set.count, TRIAL_BLOCK, request, (done) => progress((before + done) / queries))
  })
  const mean = means(visited, queries).map((leaves) => leaves / trees.length)
  workspace.give(visited)
  return { visits, visited: mean, ranks, queries, k, ...sizes, reranked, ...(scores && { scores }) }
}

/** Leaves to visit for a recall@10 on the withheld queries, without a beam. */
export async function probesFor(
  build: Build,
  tree: Judged,
  sets: readonly Labelled[],
  recall: number,
): Promise<number> {
  const table = await rankTable(build, [tree], sets, [everyNode(build)])
  const quantile = rankQuantile(table, recall, 10)
  build.workspace.give(table.ranks)
  return Math.min(build.shape.leafCount, quantile + 1)
}

/** Share of the rows looked at for recall@10 of .90 and of .95, without a beam. */
export async function scoreTrees(build: Build, trees: readonly Judged[], sets: readonly Labelled[]): Promise<number[]> {
  const table = await rankTable(build, trees, sets, [everyNode(build)], 'entries')
  const shares = [0.9, 0.95].map((recall) => rankQuantile(table, recall, 10) / build.input.points.size)
  build.workspace.give(table.ranks)
  return shares
}
