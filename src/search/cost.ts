import { BLOCK } from '../codes/shape.js'
import { RouteModel } from './route.js'
import type { SearchEffort, SnapshotHeader } from '../tree/snapshot.js'
import { rowStride } from '../base/matrix.js'

/**
 * What the steps of a query cost, in nanoseconds of one thread of a current server (docs/codes.md shows what was measured).
 * They are fixed, so that a build chooses the same settings on every machine; bench/ checks them against time.
 */
const COST = {
  /** A multiply-add of routing with 8-bit rows. */
  routeMultiplyAdd: 0.04,
  /** A visit to a leaf: the misses at its start, its base, its share of the selection. */
  leaf: 60,
  /** A byte of code, from memory. */
  codeByte: 0.11,
  /** An entry beside its code: its score, its place in the selection. */
  entry: 0.9,
  /** A row whose exact distance is computed: the misses at its start, sorting, the heap. */
  row: 60,
  /** A byte of it. */
  rowByte: 0.5,
} as const

/** Cost of a search with some effort, in nanoseconds: bytes and multiply-adds, never the clock. */
export function searchCost(header: SnapshotHeader, { probes, beamWidth, rerank }: SearchEffort): number {
  const { dim, shape, router, entryCount, codeBytes, rowType, trees } = header
  const entries = (probes * entryCount) / shape.leafCount + probes * BLOCK
  return (
    trees *
    (RouteModel.multiplyAdds(router, shape, dim, beamWidth) * COST.routeMultiplyAdd +
      probes * COST.leaf +
      entries * (codeBytes * COST.codeByte + COST.entry) +
      rerank * (COST.row + rowStride(rowType, dim) * COST.rowByte))
  )
}
