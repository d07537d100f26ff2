import type { StoredType } from '../base/matrix.js'
import type { Metric, Router } from '../base/options.js'
import type { TreeShape } from './shape.js'

/** One tree of an index: its router and its leaves. Arrays are views of the index's one region of memory. */
export interface TreeView {
  /** Tables of the router, in the order and padding of `storedTensors`. */
  readonly router: Uint8Array
  /** [leafCount + 1]: leaf l holds entries [leafOffsets[l], leafOffsets[l + 1]). */
  readonly leafOffsets: Uint32Array
  /** A record of each leaf: its centroid, the codes of its entries and the positions of their rows (`Leaves`). */
  readonly leaves: Uint8Array
}

/**
 * What a query costs: leaves a tree visits at most, nodes it keeps on the way, and rows whose exact distances are computed; no
 * probes means every row, exactly.
 */
export interface SearchEffort {
  readonly probes: number
  readonly beamWidth: number
  readonly rerank: number
  /**
   * Which of these leaves are visited: those of a rank r, the best leaf having 0, whose score is less than leafReach / sqrt(r)
   * below that of the best. Without, or where it is 0, all of them.
   */
  readonly leafReach?: number
  /** Which of these nodes are kept, in the same way, at each level above the leaves. */
  readonly beamReach?: number
  /**
   * Which of these rows are compared: those whose distance by code is at most so much more than that of the last of the
   * `nearestRows`. Without, or where it is 0, all of them.
   */
  readonly rowReach?: number
}

/** How many of the rows that may be compared are compared for certain: those for which a search asks, and an eighth. */
export function nearestRows(k: number, rerank: number): number {
  return Math.max(k, rerank / 8)
}

/** A reach in steps of a score, of which there are `scale` for a unit of distance: at most those between the least score and the largest. */
export function stepsOf(reach: number, scale: number): number {
  return Math.trunc(Math.min(65_535, reach * scale))
}

/** Entries of a tree that hold so many rows, where these have as many copies as the average row. */
export function entriesOf(rows: number, { size, entryCount }: Pick<SnapshotHeader, 'size' | 'entryCount'>): number {
  return Math.ceil((rows * entryCount) / size)
}

/** What a search keeps at each level above the leaves. */
export type Beam = Required<Pick<SearchEffort, 'beamWidth' | 'beamReach'>>

/** What a search setting reached on the withheld queries. One rung of the ladder that `recall` climbs. */
export interface Rung extends Required<SearchEffort> {
  /** Neighbours that this setting was tuned for, one of `TUNED_K`. */
  readonly k: number
  /** Lower confidence bound of recall@k. */
  readonly recall: number
}

/** Leaves of a tree that hold a row, at most: its own and two with copies. */
export const MOST_COPIES = 3

/** Rungs of all ladders together, at most. */
export const MAX_RUNGS = 256

/** The k that ladders are tuned for. */
export const TUNED_K = [1, 10, 100] as const

export type IdKind = 'row' | 'f64' | 'i64' | 'string'

/** Scalars of an index; together they fix the length of every section but the string ids. */
export interface SnapshotHeader {
  readonly size: number
  readonly dim: number
  readonly metric: Metric
  readonly rowType: StoredType
  readonly idKind: IdKind
  readonly router: Router
  /** Without a tree (depth 0) every search is an exact scan. */
  readonly shape: TreeShape
  readonly trees: number
  /** Entries of one tree: its rows and copies. */
  readonly entryCount: number
  /** By k, and for each k from cheap to dear. */
  readonly rungs: readonly Rung[]
  /** Bytes of a code; 0 without a tree. */
  readonly codeBytes: number
  /** Whether residuals are rotated before they are coded. */
  readonly rotated: boolean
  /** What a step of a term counts. */
  readonly termUnit: number
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
  /** Cosine: [size] reciprocal norms of the rows as they are kept, by position; otherwise empty. */
  readonly scales: Float32Array
  /** `i10`: [size] what a step of each row counts, by position; otherwise empty. */
  readonly units: Float32Array
  /** [size] position -> row number, a permutation. */
  readonly order: Uint32Array
  /** By row number: empty for `row`, else one per row; strings as UTF-8 with [size + 1] byte offsets. */
  readonly ids: Float64Array | BigInt64Array | { offsets: Uint32Array; bytes: Uint8Array } | undefined
  /** [padded(dim)]: what vectors are taken from before they are coded; zeros unless l2. Empty without a tree. */
  readonly mean: Float32Array
  /** Matrices of `rotationBlocks`, rows of `blockStride` floats; zeros where `rotated` is false. Empty without a tree. */
  readonly rotation: Float32Array
  /** [subs * width * 16] of `codeShape(dim, codeBytes)`. Empty without a tree. */
  readonly codebooks: Float32Array
  readonly tree: readonly TreeView[]
}
