import type { PlainError } from '../base/errors.js'
import type { Router } from '../base/options.js'
import type { Codec } from '../codes/coder.js'
import type { Auction } from '../partition/balance.js'
import type { Vicinity } from '../partition/lists.js'
import type { NearGraph } from '../partition/near-graph.js'
import type { PointTable } from '../partition/points.js'
import type { BlockRouter } from '../partition/route-block.js'
import type { LeafRecords } from '../codes/leaves.js'
import type { FittedBlock } from '../codes/rotation.js'
import type { TrialScores } from '../eval/trial.js'
import type { Beam, SearchEffort, Snapshot } from '../tree/snapshot.js'
import type { Prepared, TrainingPlan, TrainingTask, TrainResult } from '../train/router.js'

/** What every worker of a pool is handed when it starts. */
export interface WorkerData {
  readonly module: WebAssembly.Module
  /** Address of the file that has the thread's tasks. */
  readonly file: string
}

/** A block of consecutive items: rows, queries, nodes or leaves, as the task says. */
export interface Block {
  readonly first: number
  readonly count: number
}

/** A router and its tables, in shared memory. */
export interface RouterTables {
  readonly kind: Router
  readonly arities: readonly number[]
  readonly tables: Float32Array
}

/** Queries: stored rows by position, or rows of a matrix f32 [n * dim], all in their order where `rows` does not say which. */
export interface QuerySet {
  readonly positions?: Uint32Array
  readonly matrix?: Float32Array
  readonly rows?: Uint32Array
}

/** Rows that logged queries ask for, as those queries' mean: row `matrix` [index[position]], none where that is -1. */
export interface Votes {
  readonly index: Int32Array
  readonly matrix: Float32Array
}

/** Leaf centroids with the tree above them: `levels[h]` f32 [nodeCounts[h] * width]. */
export interface CentroidTree {
  readonly arities: readonly number[]
  readonly levels: readonly Float32Array[]
}

/** Rows by group, and the leaves near each group. */
export interface GroupedRows {
  readonly points: PointTable
  /** f32 [leafCount * width] */
  readonly centroids: Float32Array
  /** Group g holds `members` [offsets[g], offsets[g + 1]). */
  readonly offsets: Uint32Array
  readonly members: Uint32Array
  readonly vicinity: Vicinity
}

/** An auction in a memory that threads share. */
export interface AuctionTable {
  readonly memory: WebAssembly.Memory
  /** Names the memory, as `PointTable.key` does. */
  readonly key: number
  readonly auction: Auction
}

/** Which leaves hold a row: row p in leaves [offsets[p], offsets[p + 1]) of `leaves`. */
export interface Holders {
  readonly offsets: Uint32Array
  readonly leaves: Uint32Array
}

/** Input and output of each task; arrays named `out...` are shared and filled by the worker. */
export interface Tasks {
  /** k-means of a sample: the coarse clusters. */
  coarse: {
    input: { points: PointTable; sample: Uint32Array; k: number; iterations: number; seed: number }
    output: Float32Array
  }
  /** Nearest coarse cluster of each sample row. */
  nearest: {
    input: { points: PointTable; rows: Uint32Array; centroids: Float32Array; out: Uint32Array } & Block
    output: undefined
  }
  /** k-means within one coarse cluster. */
  refine: {
    input: { points: PointTable; rows: Uint32Array; k: number; iterations: number; seed: number; stream: number }
    output: Float32Array
  }
  /** Leaf centroids into a tree. */
  group: {
    input: { leaves: Float32Array; arities: readonly number[]; width: number; seed: number }
    output: { order: Uint32Array; levels: Float32Array[] }
  }
  /** Leaves near each of some centres. */
  vicinities: {
    input: { centres: Float32Array; centroids: Float32Array; width: number; length: number; out: Uint32Array } & Block
    output: undefined
  }
  /** Nearest leaf of every row of groups [first, first + count), within the group's vicinity. */
  nearestLeaves: { input: GroupedRows & { out: Uint32Array } & Block; output: undefined }
  /** Short lists of near leaves, into the lists of an auction of `rows`, or of all rows. */
  lists: {
    input: { points: PointTable; router: BlockRouter; rows?: Uint32Array; table: AuctionTable } & Block
    output: undefined
  }
  /** Scores of the leaves in the lists of all rows anew, where centroids [leafCount * width] moved. */
  rescore: { input: { points: PointTable; centroids: Float32Array; table: AuctionTable } & Block; output: undefined }
  /** Part of a step of an auction: over its moving points, or over its overfull leaves. */
  auction: { input: { table: AuctionTable; kind: 'choose' | 'raise' } & Block; output: undefined }
  /** Means of the rows of each leaf [first, first + count). */
  means: {
    input: { points: PointTable; offsets: Uint32Array; rows: Uint32Array; out: Float32Array } & Block
    output: undefined
  }
  /** Put the rows into another order, in place: `order[new position]` is the old position. */
  permute: { input: { points: PointTable; order: Uint32Array }; output: undefined }
  /** From short lists in an auction of `rows`, the candidates for a further copy of each. */
  copyLists: {
    input: {
      points: PointTable
      tree: CentroidTree
      holders: Holders
      rows: Uint32Array
      table: AuctionTable
    } & Block
    output: undefined
  }
  /** The leaf that comes first for each query. */
  firstLeaves: {
    input: { points: PointTable; router: BlockRouter; queries: QuerySet; out: Uint32Array } & Block
    output: undefined
  }
  /** Nearest stored rows by position, through the leaves of a partition; a stored row is not its own neighbour. */
  neighbours: {
    input: {
      points: PointTable
      router: BlockRouter
      /** Leaf l holds the rows at positions [leafOffsets[l], leafOffsets[l + 1]). */
      leafOffsets: Uint32Array
      queries: QuerySet
      /** Queries in an order in which those that follow one another lie together: a block is of `order`. */
      order: Uint32Array
      k: number
      probes: number
      out: Uint32Array
    } & Block
    output: undefined
  }
  /** The nearest of each query's neighbours `near` [queries * k] and of those near to them in a graph. */
  join: {
    input: {
      points: PointTable
      queries: QuerySet
      order: Uint32Array
      near: Uint32Array
      graph: NearGraph
      out: Uint32Array
    } & Block
    output: undefined
  }
  /** The same by an exact scan. */
  truth: { input: { points: PointTable; queries: QuerySet; k: number; out: Uint32Array } & Block; output: undefined }
  /** The same as `ranks`, among the leaves that are best for a block of `order`. */
  blockRanks: {
    input: {
      points: PointTable
      router: BlockRouter
      queries: QuerySet
      order: Uint32Array
      neighbours: Uint32Array
      k: number
      holders: Holders
      out: Uint32Array
    } & Block
    output: undefined
  }
  /** Rank, in the router's order of all leaves, of the best leaf of each neighbour. */
  ranks: {
    input: {
      points: PointTable
      router: RouterTables
      queries: QuerySet
      neighbours: Uint32Array
      k: number
      holders: Holders
      out: Uint32Array
    } & Block
    output: undefined
  }
  /** Rank under each beam, the least over the trees: out [beams * total * k], of which other queries may fill a part. */
  beamRanks: {
    input: {
      points: PointTable
      routers: readonly RouterTables[]
      queries: QuerySet
      total: number
      neighbours: Uint32Array
      k: number
      holders: readonly Holders[]
      beams: readonly Beam[]
      /** What a rank counts: the leaves visited before, or the entries met up to and with the leaf. */
      unit: 'leaves' | 'entries'
      out: Uint32Array
      /** [beams * total]: leaves of all trees below the nodes that a query keeps. */
      reached: Uint32Array
    } & Block
    output: undefined
  }
  /** Scores of the root's children for each row: the best of them, into the lists of an auction of all rows. */
  navigateRoot: {
    input: { points: PointTable; router: RouterTables; votes: Votes | undefined; table: AuctionTable } & Block
    output: undefined
  }
  /** Balanced choice among the children of nodes [first, first + count) of the level above `level`, for their rows. */
  navigate: {
    input: {
      points: PointTable
      router: RouterTables
      votes: Votes | undefined
      level: number
      offsets: Uint32Array
      rows: Uint32Array
      capacity: number
      out: Uint32Array
    } & Block
    output: undefined
  }
  /** Exact scan of a matrix of queries over rows: ids and distances [count * k]. */
  exact: {
    input: {
      points: PointTable
      order: number
      queries: Float32Array
      k: number
      outIds: Uint32Array
      outDistances: Float32Array
    } & Block
    output: undefined
  }
  /** Search a batch in an open index, all threads at once: each claims some queries at a time, until none is left. */
  search: {
    input: {
      index: SharedIndex
      /** f32 [total * dim] */
      queries: Float32Array
      total: number
      /** [total] for an order in which to search, found first: by the nodes, [total], at which the queries begin. */
      order: { nodes: Uint32Array; items: Uint32Array } | undefined
      k: number
      effort: SearchEffort
      outIds: Uint32Array
      outDistances: Float32Array
      /** [4], zeroes: queries claimed to be placed, placed, claimed to be searched; and whether the order stands. */
      counts: Int32Array
      /** [1]: not 0 once nobody waits for the answers. */
      cancelled: Uint32Array
    }
    output: undefined
  }
  /** Differences f32 [rows * rotatedStride] of some rows to the centroids of their leaves. */
  residuals: {
    input: {
      points: PointTable
      codec: Codec
      tree: LeafRecords
      rows: Uint32Array
      leafOf: Uint32Array
      out: Float32Array
    } & Block
    output: undefined
  }
  /** The rotation of one block of components that `count` residuals ask for. */
  fitRotation: {
    input: { codec: Codec; sample: Float32Array; count: number; block: number }
    output: FittedBlock
  }
  /** Rotate some residuals of a sample in place. */
  rotate: {
    input: { codec: Codec; sample: Float32Array } & Block
    output: undefined
  }
  /** Codebooks of some sub-codes, from `rows` residuals. */
  codebooks: {
    input: { codec: Codec; sample: Float32Array; rows: number; seed: number; out: Float32Array } & Block
    output: undefined
  }
  /** Codes of the entries of some leaves into their records; terms, by entry, apart. */
  encode: {
    input: { points: PointTable; codec: Codec; tree: LeafRecords; outTerms: Float32Array } & Block
    output: undefined
  }
  /** How far below the best node of a level those of some ranks, from 0, score, the mean over the trees: out [places * total]. */
  gaps: {
    input: {
      index: SharedIndex
      points: PointTable
      /** Levels from the root to that level. */
      depth: number
      places: readonly number[]
      queries: QuerySet
      total: number
      out: Float32Array
    } & Block
    output: undefined
  }
  /** How far down the order of codes each setting must go for the true neighbours: out [settings * total * k], of which other queries may fill a part. */
  codeRanks: {
    input: {
      index: SharedIndex
      points: PointTable
      settings: readonly SearchEffort[]
      queries: QuerySet
      total: number
      /** [queries * known], of which the first `k` of each query are looked for. */
      neighbours: Uint32Array
      known: number
      k: number
      holders: readonly Holders[]
      out: Uint32Array
      /** [settings * total]: leaves that a search visits, those of all trees. */
      visited: Uint32Array
      /** Of an index of one tree. */
      scores?: TrialScores
    } & Block
    output: undefined
  }
  /** Forget what this thread keeps for steps of a build that are done. */
  rest: { input: undefined; output: undefined }
  /** Load what trains, ahead of a training on the same thread. */
  prepareTraining: { input: TrainingPlan; output: Prepared }
  /** Train a router; `mix` moves a geometric start towards the queries first. */
  train: {
    input: TrainingTask & { progress: Int32Array }
    output: TrainResult
  }
}

export type TaskName = keyof Tasks

/** An index as it crosses to another thread: its memory, and views of it, which stay shared. */
export interface SharedIndex {
  readonly memory: WebAssembly.Memory
  /** Names the memory: every message brings new objects for it. */
  readonly key: number
  readonly snapshot: Snapshot
}

/** What a worker answers. */
export type Reply<T> = { readonly value: T } | { readonly error: PlainError }
