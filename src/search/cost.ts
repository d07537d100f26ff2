import { BLOCK } from '../codes/shape.js'
import type { SearchEffort, SnapshotHeader } from '../tree/snapshot.js'
import { rowStride } from '../base/matrix.js'
import type { Router } from '../base/options.js'
import { RESIDUAL_HIDDEN, SEQ2SEQ } from '../tree/router.js'
import type { TreeShape } from '../tree/shape.js'

/**
 * What the steps of a query cost, in nanoseconds of one thread of a current server (docs/codes.md shows what was measured).
 * They are fixed, so that a build chooses the same settings on every machine; bench/cost checks them against time.
 */
const COST = {
  /** A multiply-add of routing with 8-bit rows. */
  routeMultiplyAdd: 0.07,
  /** A visit to a leaf: the misses at its start, its base, its share of the selection. */
  leaf: 10,
  /** A byte of code, from memory. */
  codeByte: 0.085,
  /** An entry beside its code: its score, its place in the selection. */
  entry: 0.6,
  /** A row that is chosen by code: its place among the chosen, sorting, the misses at its start. */
  row: 10,
  /** A byte of one whose exact distance is computed. */
  rowByte: 0.33,
} as const

const STEPS = Object.keys(COST) as (keyof typeof COST)[]

/** Multiply-adds of one route of a router that keeps `beamWidth` nodes a level. */
export function multiplyAdds(kind: Router, shape: TreeShape, dim: number, beamWidth: number): number {
  const { hidden, width: d, feedForward } = SEQ2SEQ
  let nodes = 0
  let prefixes = 0
  let kept = 1
  for (const arity of shape.arities) {
    prefixes += kept
    nodes += kept * arity
    kept = Math.min(beamWidth, kept * arity)
  }
  if (kind === 'seq2seq') return dim * hidden + hidden * d + d * d + prefixes * 2 * d * feedForward + nodes * d
  return nodes * dim + (kind === 'residual' ? 2 * dim * RESIDUAL_HIDDEN : 0)
}

/**
 * How often a search with some effort takes each of the steps.
 * @param compared - of the rows that are chosen by code, those within reach.
 */
export function costFeatures(
  header: SnapshotHeader,
  { probes, beamWidth, rerank }: SearchEffort,
  compared = rerank,
): Record<keyof typeof COST, number> {
  const { dim, shape, router, entryCount, codeBytes, rowType, trees } = header
  const entries = trees * ((probes * entryCount) / shape.leafCount + probes * (BLOCK / 2))
  return {
    routeMultiplyAdd: trees * multiplyAdds(router, shape, dim, beamWidth),
    leaf: trees * probes,
    codeByte: entries * codeBytes,
    entry: entries,
    row: trees * rerank,
    rowByte: trees * compared * rowStride(rowType, dim),
  }
}

/** Cost of a search with some effort, in nanoseconds: bytes and multiply-adds, never the clock. */
export function searchCost(header: SnapshotHeader, effort: SearchEffort, compared?: number): number {
  const features = costFeatures(header, effort, compared)
  let sum = 0
  for (const step of STEPS) sum += features[step] * COST[step]
  return sum
}
