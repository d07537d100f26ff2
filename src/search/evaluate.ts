import type { Evaluation } from '../base/answers.js'
import type { SearchEffort, Snapshot } from '../tree/snapshot.js'
import type { Searcher } from './searcher.js'

/** True neighbours by position, [queries * k]. */
export interface GroundTruth {
  readonly positions: Uint32Array
  readonly k: number
}

/** What to evaluate. */
export interface EvaluationJob {
  /** [count * dim] */
  readonly matrix: Float32Array
  readonly k: number
  readonly effort: SearchEffort
  readonly truth: GroundTruth
}

/** Queries searched before the clock runs: code that was just loaded is slow. */
const WARM_UP = 200

/** The value below which a share of sorted values lies. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
}

/**
 * Search every query once and compare with the truth. Ties count: any answer as near as the k-th true neighbour is right,
 * where rows are kept to tell.
 * @param turn - called before each query: lets the event loop run, and throws when the index was closed meanwhile.
 */
export async function evaluateSearch(
  searcher: Searcher,
  snapshot: Snapshot,
  { matrix, k, effort, truth }: EvaluationJob,
  turn: () => void | Promise<void>,
): Promise<Omit<Evaluation, 'k' | 'target' | 'bytesPerVector'>> {
  const { dim, size } = snapshot
  const count = matrix.length / dim
  const ids = new Uint32Array(k)
  const distances = new Float32Array(k)
  const times = new Float64Array(count)
  const query = (i: number): Float32Array => matrix.subarray(i * dim, (i + 1) * dim)
  for (let i = 0; i < Math.min(count, WARM_UP); i++) {
    await turn()
    searcher.search(query(i), k, effort, ids, distances)
  }
  let hits = 0
  let candidates = 0
  for (let i = 0; i < count; i++) {
    await turn()
    const start = performance.now()
    searcher.search(query(i), k, effort, ids, distances)
    times[i] = (performance.now() - start) * 1000
    candidates += searcher.candidates
    const first = i * truth.k
    if (snapshot.rowType === 'none') {
      // Without rows nothing tells a tie.
      const right = new Set(truth.positions.subarray(first, first + k))
      for (const position of right) if (ids.includes(snapshot.order[position]!)) hits++
      continue
    }
    const bound = searcher.distance(truth.positions[first + k - 1]!)
    for (const distance of distances) if (distance <= bound) hits++
  }
  const total = times.reduce((sum, time) => sum + time, 0)
  times.sort()
  return {
    recall: hits / (count * k),
    qps: (count * 1e6) / total,
    p50Us: quantile(times, 0.5),
    p99Us: quantile(times, 0.99),
    candidatesPct: (100 * candidates) / (count * size),
    probes: effort.probes === 0 ? Math.max(1, snapshot.shape.leafCount) : effort.probes,
    rerank: effort.probes === 0 ? size : effort.rerank,
  }
}
