import type { Phase, ResolvedOptions } from '../base/options.js'
import { groupItems } from '../base/groups.js'
import { isShared, sharedF32, sharedU32 } from '../base/shared.js'
import type { Layout, LayoutShape } from '../format/layout.js'
import type { PointTable } from '../partition/points.js'
import type { Holders, QuerySet, RouterTables, Tasks } from '../pool/messages.js'
import type { TrainResult } from '../train/router.js'
import type { WorkerPool } from '../pool/pool.js'
import type { TreeShape } from '../tree/shape.js'
import type { Workspace } from './workspace.js'

/** What a build of trees works on. Rows are in place already, by row number; they are moved as the leaves ask. */
export interface BuildInput {
  readonly points: PointTable
  readonly options: ResolvedOptions
  readonly plan: LayoutShape
  readonly entryCount: number
  /** Where the index lies in the memory of `points`. */
  readonly address: number
  readonly layout: Layout
  /** The query log, f32 [count * dim], shared; or nothing. */
  readonly log?: Float32Array
  readonly study?: Study
}

/** What only the studies in bench/ ask of a build, to change one thing at a time. */
export interface Study {
  /** Queries, with the row numbers of their true neighbours, by which every round is reported and none is chosen. */
  readonly judge?: { readonly queries: Float32Array; readonly neighbours: Uint32Array; readonly k: number }
  /** Plain k-means: each row in its nearest leaf, ranked by centroid, nothing trained. */
  readonly flat?: boolean
  /** Give every row the same number of copies, whatever queries miss. */
  readonly evenCopies?: boolean
}

/** A message about how far a phase is. */
export type Report = (phase: Phase, done: number, total: number) => void

/** One turn of classifier and tree update, as it was scored. */
export interface RoundReport {
  readonly tree: number
  readonly round: number
  readonly kept: boolean
  /** Share of the rows looked at for recall@10 of .90 and .95 on withheld queries, and on the judge's where there is one. */
  readonly withheld: readonly number[]
  readonly judged: readonly number[] | undefined
  /** Share of the rows that the update moved to another leaf. */
  readonly moved: number
  readonly loss: number
}

/** Queries with the positions of their nearest rows [count * k]. */
export interface Labelled {
  readonly queries: QuerySet
  readonly count: number
  readonly k: number
  readonly neighbours: Uint32Array
  /** [count] queries in an order in which those that follow one another lie together, where it is known. */
  readonly order?: Uint32Array
}

/** What the steps of a build are done with. */
export interface BuildMeans {
  readonly pool: WorkerPool
  /** Train in workers of their own; `aside` keeps its progress to itself. */
  readonly train: (input: Omit<Tasks['train']['input'], 'progress'>, aside?: boolean) => Promise<TrainResult>
  /** Steps that held much memory of their own are done: give it back to the system. */
  readonly rest: () => Promise<void>
  /** A training comes soon. */
  readonly prepareTraining: () => void
  /** No training comes any more. */
  readonly endTraining: () => Promise<void>
  readonly report: Report
}

/** The state that the steps of a build share. */
export interface Build extends BuildMeans {
  readonly input: BuildInput
  readonly shape: TreeShape
  /** Floats of a point. */
  readonly width: number
  /** The one of the steps under way; what they leave behind goes with it when the next steps get another. */
  workspace: Workspace
  /** [size] position -> row number, as the rows lie now. */
  order: Uint32Array
  /** [size] by row number: 1 where the row serves as a query to select and tune by, and nothing else learns from it. */
  readonly withheld: Uint8Array
  trainer: 'none' | 'wasm' | 'tfjs-node'
}

/** One tree under construction. */
export interface TreeState {
  readonly router: RouterTables
  /** Raw weights of the router, to train on from. */
  readonly weights: Record<string, Float32Array>
  readonly holders: Holders
}

/** Rows from which on what a step holds is worth the tens of milliseconds that giving it back takes. */
const LARGE = 1 << 15

/** Whether the steps of a build of so many rows hold much memory. */
export function isLarge(size: number): boolean {
  return size >= LARGE
}

/** After a step that held much memory of its own, to which nothing refers any more: the system gets it back. */
export async function restThreads(build: Build): Promise<void> {
  if (isLarge(build.input.points.size)) await build.rest()
}

/** Blocks of what is little, at the least: enough that no thread is left with much more than the others. */
const LEAST_BLOCKS = 8

/** Items of a block: at most so many. */
export function blockOf(total: number, most: number): number {
  return Math.min(most, Math.ceil(total / LEAST_BLOCKS))
}

/** The same values in shared memory. */
export function shareU32(values: ArrayLike<number>): Uint32Array {
  const shared = sharedU32(values.length)
  shared.set(values)
  return shared
}

/** The same values in shared memory, where they may lie already. */
export function shareF32(values: Float32Array): Float32Array {
  if (isShared(values.buffer)) return values
  const shared = sharedF32(values.length)
  shared.set(values)
  return shared
}

/** Rows by leaf: leaf l holds rows [offsets[l], offsets[l + 1]) of `rows`, ascending. `leafOf` may skip rows with a leaf that there is not. */
export function rowsByLeaf(
  workspace: Workspace,
  leafOf: ArrayLike<number>,
  leafCount: number,
): { offsets: Uint32Array; rows: Uint32Array } {
  const { offsets, items: rows } = groupItems(leafOf, leafCount, (length) => workspace.u32(length))
  return { offsets, rows }
}

/** Holders of rows that are each in one leaf. */
export function singleHolders(leafOf: Uint32Array): Holders {
  const offsets = sharedU32(leafOf.length + 1)
  for (let row = 0; row <= leafOf.length; row++) offsets[row] = row
  return { offsets, leaves: leafOf }
}
