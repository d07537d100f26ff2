import { MAX_RUNGS, TUNED_K, type Beam, type Rung, type SearchEffort, type SnapshotHeader } from '../tree/snapshot.js'
import { tryReranks, type TrialTable, type Visit } from './trial.js'

/** For each beam, query and true neighbour: the place in the order of visits of the first leaf that holds it. */
export interface RankTable {
  /** [beams * queries * k]; beyond leafCount where it is never met. */
  readonly ranks: Uint32Array
  readonly queries: number
  readonly k: number
  readonly beams: readonly Beam[]
  readonly leafCount: number
}

/** Each rung probes about this much more than the one below. */
const RUNG_RATIO = 1.1

/** Visits that are tried with codes: each probes about this much more than the one before, between these recalls. */
const TRIAL_RATIO = 1.2
const WORST_RECALL = 0.5
const BEST_RECALL = 0.9985
/** The rank whose mean gap is the reach, as a share of the most leaves or nodes: on average queries keep some three quarters. */
const REACHED = 0.6
/** Reranked rows for each neighbour where nothing was tuned. */
const RERANK_UNTUNED = 10

/** Numbers of probes that are tried: a geometric ladder from 1 to all leaves. */
export function ladderProbes(leafCount: number): number[] {
  const probes: number[] = []
  for (let p = 1; p < leafCount; p = Math.max(p + 1, Math.round(p * RUNG_RATIO))) probes.push(p)
  return [...probes, leafCount]
}

/** Mean recall@k over the queries under one beam, by the number of probes: [leafCount + 1]. */
function recalls({ ranks, queries, k: width, leafCount }: RankTable, beam: number, k: number): Float64Array {
  const recall = new Float64Array(leafCount + 1)
  for (let q = 0; q < queries; q++) {
    const at = (beam * queries + q) * width
    for (let j = at; j < at + k; j++) if (ranks[j]! < leafCount) recall[ranks[j]! + 1]!++
  }
  for (let probes = 1; probes <= leafCount; probes++) recall[probes]! += recall[probes - 1]!
  return recall.map((met) => met / (queries * k))
}

/**
 * What visits to more and more leaves hold.
 * @param kept - of each beam the nodes that it keeps on average.
 * @param below - leaves below each of these nodes.
 */
export function fitVisits(table: RankTable, kept: readonly number[], below: number): Visit[] {
  const { beams: tried, leafCount } = table
  const known = tried.map((_, beam) => TUNED_K.map((k) => recalls(table, beam, k)))
  return ladderProbes(leafCount).map((probes) => {
    const beams = tried
      .map((beam, b) => ({ ...beam, kept: kept[b]!, recall: known[b]!.map((recall) => recall[probes]!) }))
      .filter(({ beamWidth }) => beamWidth * below >= probes)
    return { probes, recall: beams.at(-1)!.recall, beams }
  })
}

/** The rank, from 0, of the node that a query of average gaps just leaves out, where at most so many are kept. */
export function endOf(most: number): number {
  return Math.max(1, Math.round(most * REACHED))
}

/**
 * The reach of a query of average gaps.
 * @param gap - how far below the best node the one at `endOf(most)` scores, on average.
 */
export function reachOf(most: number, gap: number): number {
  const reach = Math.fround(Math.sqrt(endOf(most)) * gap)
  // Scores of vectors near the ends of f32 may be infinite.
  return endOf(most) < most && reach < Infinity ? reach : 0
}

/**
 * Visits worth trying with codes for some k: from where half of the neighbours are met for one of them to where almost all
 * are for each though the visit ends early, somewhat apart.
 * @param all - whether a visit to every leaf is tried as well.
 */
export function tryVisits(visits: readonly Visit[], ks: readonly number[], all = false): Visit[] {
  const columns = ks.map((k) => TUNED_K.findIndex((known) => known === k))
  const chosen: Visit[] = []
  let enough = Infinity
  for (const visit of visits) {
    const { probes, recall } = visit
    if (columns.every((column) => recall[column]! < WORST_RECALL)) continue
    const before = chosen.at(-1)
    if (before !== undefined && probes < before.probes * TRIAL_RATIO) continue
    chosen.push(visit)
    if (columns.every((column) => recall[column]! >= BEST_RECALL)) enough = Math.min(enough, probes / REACHED)
    if (probes >= enough) break
  }
  const every = visits.at(-1)!
  if (all && chosen.at(-1) !== every) chosen.push(every)
  return chosen
}

/**
 * The ladder of settings for k neighbours, from cheap to dear: no setting is dearer than another that reaches as much, and
 * the last looks at every row; where no rows are kept, the last is the one that reaches most.
 * @param cost - of a setting that compares so many rows on average.
 */
export function fitLadder(
  table: TrialTable,
  k: number,
  leafCount: number,
  cost: (effort: SearchEffort, compared: number) => number,
): Rung[] {
  const trials = tryReranks(table, k)
  const column = TUNED_K.findIndex((known) => known === k)
  const settings = table.visits.flatMap(({ probes, leafReach, recall: widest, beams }, v) => {
    // A narrower beam loses the neighbours whose leaves it misses, and ranks no other one lower.
    return beams.flatMap(({ beamWidth, beamReach, kept, recall }) => {
      const loss = Math.max(0, widest[column]! - recall[column]!)
      return trials[v]!.map(({ rerank, rowReach, compared, recall: reached }) => ({
        rung: {
          probes,
          beamWidth,
          rerank,
          k,
          // As a file keeps it.
          recall: Math.fround(Math.max(0, reached - loss)),
          leafReach,
          beamReach,
          rowReach,
        },
        cost: cost({ probes: table.visited[v]!, beamWidth: kept, rerank }, compared),
      }))
    })
  })
  settings.sort((a, b) => a.cost - b.cost || b.rung.recall - a.rung.recall)
  const rungs: Rung[] = []
  for (const { rung } of settings) {
    if (rung.recall > (rungs.at(-1)?.recall ?? -1)) rungs.push(rung)
  }
  const room = Math.floor(MAX_RUNGS / TUNED_K.length)
  if (!table.reranked) return thinned(rungs, room)
  const every = {
    probes: leafCount,
    beamWidth: leafCount,
    rerank: table.size,
    k,
    recall: 1,
    leafReach: 0,
    beamReach: 0,
    rowReach: 0,
  }
  return [...thinned(rungs, room - 1), every]
}

/** At most `most` rungs: those that gain least over the one below go first. */
function thinned(rungs: readonly Rung[], most: number): Rung[] {
  const kept = [...rungs]
  while (kept.length > most) {
    let least = 1
    // The chance of a miss is what a step should shrink by an equal share.
    const gain = (i: number): number => Math.log((1.0005 - kept[i - 1]!.recall) / (1.0005 - kept[i + 1]!.recall))
    for (let i = 1; i < kept.length - 1; i++) if (gain(i) < gain(least)) least = i
    kept.splice(least, 1)
  }
  return kept
}

/** The cheapest rung that reaches a recall for k neighbours; the last one where none does. */
export function climb(rungs: readonly Rung[], recall: number, k: number): Rung {
  const column = TUNED_K.find((known) => known >= k) ?? TUNED_K.at(-1)!
  let last = rungs[0]!
  for (const rung of rungs) {
    if (rung.k !== column) continue
    if (rung.recall >= recall) return rung
    last = rung
  }
  return last
}

/**
 * The effort of a setting by hand, after the tuned setting with the fewest sufficient probes, of those the one that reaches
 * most: its beam, and as many reranked rows as it has where the caller does not say.
 */
export function manualEffort(
  { rungs, shape, size, rowType }: SnapshotHeader,
  probes: number,
  rerank: number | undefined,
  k: number,
): SearchEffort {
  const wanted = Math.min(probes, shape.leafCount)
  const column = TUNED_K.find((known) => known >= k) ?? TUNED_K.at(-1)!
  let like: Rung | undefined
  for (const rung of rungs) {
    if (rung.k !== column || rung.probes < wanted) continue
    // The rungs of one k climb: of equal probes the last one reaches most.
    if (like === undefined || rung.probes <= like.probes) like = rung
  }
  const worthwhile = rerank ?? Math.max(k, like?.rerank ?? RERANK_UNTUNED * k)
  return {
    probes: wanted,
    beamWidth: like?.beamWidth ?? shape.leafCount,
    rerank: rowType === 'none' ? 0 : Math.min(size, worthwhile),
  }
}

/** The rank within which a share `recall` of the true neighbours lies, over all queries; of the first beam. */
export function rankQuantile({ ranks, queries, k: width }: RankTable, recall: number, k: number): number {
  const all = new Uint32Array(queries * k)
  for (let q = 0; q < queries; q++) all.set(ranks.subarray(q * width, q * width + k), q * k)
  all.sort()
  return all[Math.min(all.length - 1, Math.ceil(recall * all.length) - 1)]!
}
