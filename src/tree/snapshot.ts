import type { Metric, Router, RowType } from '../base/options.js'
import type { TreeShape } from './shape.js'

/** One tree of an index: its router and its leaves. Arrays are views of the index's one region of memory. */
export interface TreeView {
  /** Tables of the router, in the order and padding of `routerTensors`. */
  readonly router: Float32Array
  /** [leafCount + 1]: leaf l holds entries [leafOffsets[l], leafOffsets[l + 1]). */
  readonly leafOffsets: Uint32Array
  /** Positions of the rows of each leaf; every row at least once, at most once a leaf. */
  readonly entries: Uint32Array
}

/** What a search setting reached on the withheld queries. One rung of the ladder that `recall` climbs. */
export interface Rung {
  /** Leaves visited, in all trees together divided by the trees. */
  readonly probes: number
  /** Nodes kept at each level above the leaves. */
  readonly beamWidth: number
  /** Lower confidence bound of recall@k for each of `TUNED_K`. */
  readonly recall: readonly number[]
}

/** The k for which the ladder holds a recall. */
export const TUNED_K = [1, 10, 100] as const

export type IdKind = 'row' | 'f64' | 'i64' | 'string'

/** Scalars of an index; together they fix the length of every section but the string ids. */
export interface SnapshotHeader {
  readonly size: number
  readonly dim: number
  readonly metric: Metric
  readonly rowType: RowType
  readonly idKind: IdKind
  readonly router: Router
  /** Without a tree (depth 0) every search is an exact scan. */
  readonly shape: TreeShape
  readonly trees: number
  /** Entries of one tree: its rows and copies. */
  readonly entryCount: number
  readonly rungs: readonly Rung[]
  readonly seed: number
  readonly trainer: 'none' | 'wasm' | 'tfjs-node'
}

/**
 * An immutable built index. A row's *position* is its place in `rows`, which follow the leaves; its *number* is its
 * place in what the caller gave.
 */
export interface Snapshot extends SnapshotHeader {
  /** [size * stride] bytes at address `rowsAddress` of the memory that holds the index. */
  readonly rows: Uint8Array
  /** Bytes from one row to the next: `rowStride(rowType, dim)`. */
  readonly stride: number
  /** Cosine: [size] reciprocal norms by position; otherwise empty. */
  readonly scales: Float32Array
  /** [size] position -> row number, a permutation. */
  readonly order: Uint32Array
  /** By row number: empty for `row`, else one per row; strings as UTF-8 with [size + 1] byte offsets. */
  readonly ids: Float64Array | BigInt64Array | { offsets: Uint32Array; bytes: Uint8Array } | undefined
  readonly tree: readonly TreeView[]
}
