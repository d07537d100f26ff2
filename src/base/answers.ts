import type { IdArray, Metric, Phase, Router, RowType } from './options.js'

/**
 * Nearest first, min(k, size) of them, never padded; fresh arrays. Distances: squared L2; 1 - cosine; minus
 * the inner product; approximate ones where the index keeps no rows.
 */
export interface SearchResult<I extends IdArray = Uint32Array> {
  /** Ids of the rows, of the kind that the index was given; row numbers where it was given none. */
  ids: I
  /** As the metric says; smaller is nearer. */
  distances: Float32Array
}

/** Query q's answers are [offsets[q], offsets[q + 1]). */
export interface BatchResult<I extends IdArray = Uint32Array> extends SearchResult<I> {
  /** [queries + 1] */
  offsets: Uint32Array
}

/** How well and how fast a setting searches. */
export interface Evaluation {
  /** Neighbours asked for. */
  k: number
  /** The recall that was asked for; absent for a setting by hand. */
  target?: number
  /** recall@k by distance: answers within the k-th true distance, divided by k. */
  recall: number
  /** Queries a second, one after the other on one thread. */
  qps: number
  /** Median time of a query, in microseconds. */
  p50Us: number
  /** 99th percentile of the time of a query, in microseconds. */
  p99Us: number
  /** Rows looked at, copies counted each time, as a percentage of the rows. */
  candidatesPct: number
  /** Leaves visited: at most, by a recall. */
  probes: number
  /** Rows compared exactly. */
  rerank: number
  /** Bytes of the index for each row. */
  bytesPerVector: number
}

/** What an index is and takes. */
export interface Stats {
  /** Rows. */
  size: number
  /** Components of a row. */
  dim: number
  /** What near means. */
  metric: Metric
  /** The model that chooses the leaves. */
  router: Router
  /** Leaves of a tree; 1 without a tree. */
  leaves: number
  /** Levels below the root; 0 without a tree. */
  depth: number
  /** Children of each node above the leaves; 1 without a tree. */
  arity: number
  /** In means. */
  largestLeaf: number
  /** How rows are kept: `i10` are steps of 10 bits, `none` not at all, so that codes alone answer. */
  storage: RowType | 'i10' | 'none'
  /** Bytes by section. */
  bytes: Record<'router' | 'codes' | 'rows' | 'ids' | 'other', number>
  /** Bytes of the index for each row. */
  bytesPerVector: number
  /** Threads for a batch when a call does not say. */
  threads: number
  /** What trained the router: `wasm`, `tfjs-node`, or `none` without a tree. */
  trainer: string
  /** Seconds of each phase, on the index that was built just now. */
  phaseSeconds?: Partial<Record<Phase, number>>
  /**
   * Settings that searches for some recalls take; without stored rows up to the recall that codes reach, and the last at
   * that recall.
   */
  tuned: readonly {
    /** Recall asked for. */
    recall: number
    /** Neighbours asked for. */
    k: number
    /** Leaves to visit at most; those far behind the best of a query are left out. */
    probes: number
    /** Rows to compare exactly. */
    rerank: number
  }[]
}
