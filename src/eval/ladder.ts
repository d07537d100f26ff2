import { TUNED_K, type Rung } from '../tree/snapshot.js'

/** For each beam width, query and true neighbour: the place in the order of visits of the first leaf that holds it. */
export interface RankTable {
  /** [beamWidths * queries * k]; beyond leafCount where it is never met. */
  readonly ranks: Uint32Array
  readonly queries: number
  readonly k: number
  readonly beamWidths: readonly number[]
  readonly leafCount: number
}

/** Recall that a cheaper beam may lose against the widest. */
const BEAM_LOSS = 0.0005
/** Each rung probes about this much more than the one below. */
const RUNG_RATIO = 1.1

/** Numbers of probes that are tried: a geometric ladder from 1 to all leaves. */
export function ladderProbes(leafCount: number): number[] {
  const probes: number[] = []
  for (let p = 1; p < leafCount; p = Math.max(p + 1, Math.round(p * RUNG_RATIO))) probes.push(p)
  return [...probes, leafCount]
}

/** Mean and standard error of recall@k over the queries, for one beam and number of probes. */
function recallAt(table: RankTable, beam: number, probes: number, k: number): { mean: number; error: number } {
  const { ranks, queries } = table
  let sum = 0
  let squares = 0
  for (let q = 0; q < queries; q++) {
    const at = (beam * queries + q) * table.k
    let found = 0
    for (let j = at; j < at + k; j++) if (ranks[j]! < probes) found++
    sum += found / k
    squares += (found / k) ** 2
  }
  const mean = sum / queries
  const variance = Math.max(0, squares / queries - mean * mean)
  return { mean, error: Math.sqrt(variance / queries) }
}

/**
 * Fit the ladder: for each number of probes the cheapest beam whose recall is that of the widest, and the recall it
 * reached less one standard error, so that what is promised is met on queries like these.
 * @param costs - leaves that a beam reaches, and multiply-adds of routing with it.
 */
export function fitLadder(
  table: RankTable,
  costs: { reach: (beamWidth: number) => number; cost: (beamWidth: number) => number },
): Rung[] {
  const { beamWidths, leafCount } = table
  const widest = beamWidths.length - 1
  const order = beamWidths
    .map((_, b) => b)
    .sort((a, b) => costs.cost(beamWidths[a]!) - costs.cost(beamWidths[b]!) || a - b)
  const best: number[] = TUNED_K.map(() => 0)
  let least = 0
  return ladderProbes(leafCount).map((probes) => {
    const full = TUNED_K.map((k) => recallAt(table, widest, probes, k))
    const fits = (beam: number): boolean =>
      beam >= least &&
      costs.reach(beamWidths[beam]!) >= probes &&
      TUNED_K.every((k, i) => recallAt(table, beam, probes, k).mean >= full[i]!.mean - BEAM_LOSS)
    const beam = probes === leafCount ? widest : (order.find(fits) ?? widest)
    least = beam
    TUNED_K.forEach((k, i) => {
      const { mean, error } = beam === widest ? full[i]! : recallAt(table, beam, probes, k)
      best[i] = Math.max(best[i]!, probes === leafCount ? 1 : Math.max(0, mean - error))
    })
    return { probes, beamWidth: beamWidths[beam]!, recall: [...best] }
  })
}

/** The rung that reaches a recall for k neighbours; the widest where none does. */
export function climb(rungs: readonly Rung[], recall: number, k: number): Rung {
  const tuned = TUNED_K.findIndex((known) => known >= k)
  const column = tuned < 0 ? TUNED_K.length - 1 : tuned
  let low = 0
  let high = rungs.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (rungs[middle]!.recall[column]! >= recall) high = middle
    else low = middle + 1
  }
  return rungs[low]!
}

/** The rank within which a share `recall` of the true neighbours lies, over all queries; of the first beam. */
export function rankQuantile({ ranks, queries, k: width }: RankTable, recall: number, k: number): number {
  const all = new Uint32Array(queries * k)
  for (let q = 0; q < queries; q++) all.set(ranks.subarray(q * width, q * width + k), q * k)
  all.sort()
  return all[Math.min(all.length - 1, Math.ceil(recall * all.length) - 1)]!
}
