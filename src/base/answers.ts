import type { IdArray, Metric, Phase, Router, RowType } from './options.js'

/**
 * Nearest first, min(k, size) of them, never padded; fresh arrays. Distances: squared L2; 1 - cosine; minus
 * the inner product; approximate ones where the index keeps no rows.
 */
export interface SearchResult<I extends IdArray = Uint32Array> {
  ids: I
  distances: Float32Array
}

/** Query q's answers are [offsets[q], offsets[q + 1]). */
export interface BatchResult<I extends IdArray = Uint32Array> extends SearchResult<I> {
  offsets: Uint32Array
}

/** How well and how fast a setting searches. */
export interface Evaluation {
  k: number
  /** The recall that was asked for; absent for a setting by hand. */
  target?: number
  /** recall@k by distance: answers within the k-th true distance, divided by k. */
  recall: number
  qps: number
  p50Us: number
  p99Us: number
  /** Rows looked at, copies counted each time, as a percentage of the rows. */
  candidatesPct: number
  probes: number
  rerank: number
  bytesPerVector: number
}

/** What an index is and takes. */
export interface Stats {
  size: number
  dim: number
  metric: Metric
  router: Router
  leaves: number
  depth: number
  arity: number
  /** In means. */
  largestLeaf: number
  /** How rows are kept: `i10` are steps of 10 bits, `none` not at all, so that codes alone answer. */
  storage: RowType | 'i10' | 'none'
  bytes: Record<'router' | 'codes' | 'rows' | 'ids' | 'other', number>
  bytesPerVector: number
  threads: number
  trainer: string
  phaseSeconds?: Partial<Record<Phase, number>>
  /** The settings that `recall` takes; without stored rows up to the recall that codes reach, and the last at that recall. */
  tuned: readonly { recall: number; k: number; probes: number; rerank: number }[]
}
