import { MOST_COPIES } from '../tree/snapshot.js'
import { NO_LEAF } from './balance.js'

/** Weight of the component along the residual to a leaf that already holds the row (SOAR, arXiv 2404.00774). */
const LAMBDA = 1

/** Distances of one row to the leaf centroids of its list. */
export interface RowGeometry {
  /** |x|^2 */
  readonly norm: number
  /** x . c of each leaf that holds the row, and r . c of each listed leaf with r = x - c of that holder. */
  readonly holders: readonly { leaf: number; along: number; residual: number; dots: Float32Array }[]
}

/**
 * Scores of the leaves that a further copy of a row may take: near the row, and with a residual near-orthogonal to
 * those of the leaves that hold it, so that one query rarely ranks all of them badly.
 * loss(c) = |x - c|^2 + lambda * sum over holders h of ((x - c_h) . (x - c) / |x - c_h|)^2
 * @param leaves - the row's list of near leaves; those that hold it already are left out of `out`.
 * @param nearness - x.c - |c|^2 / 2 of each.
 */
export function copyScores(
  leaves: Uint32Array,
  nearness: Float32Array,
  geometry: RowGeometry,
  outLeaves: Uint32Array,
  outScores: Float32Array,
): void {
  let kept = 0
  for (let j = 0; j < leaves.length; j++) {
    const leaf = leaves[j]!
    if (leaf === NO_LEAF) break
    if (geometry.holders.some((holder) => holder.leaf === leaf)) continue
    let loss = geometry.norm - 2 * nearness[j]!
    for (const { along, residual, dots } of geometry.holders) {
      const projection = along - dots[j]!
      if (residual > 0) loss += (LAMBDA * projection * projection) / residual
    }
    outLeaves[kept] = leaf
    outScores[kept] = -loss
    kept++
  }
  outLeaves.fill(NO_LEAF, kept)
  outScores.fill(-Infinity, kept)
}

/**
 * The rows that get one more copy: those of highest cost among the rows that may have one, ties by lower position.
 * @param cost - [size] how badly queries rank the best leaf of each row.
 * @param held - [size] leaves that hold each row already.
 * @returns `count` positions, ascending; fewer where fewer rows have less than `MOST_COPIES` leaves.
 */
export function costliestRows(cost: Float32Array, held: Uint8Array, count: number): Uint32Array {
  // In loops: `from` an iterator and a sort by a function make lists of as many objects on the way.
  const costs = new Float32Array(cost.length)
  let open = 0
  for (let row = 0; row < cost.length; row++) if (held[row]! < MOST_COPIES) costs[open++] = cost[row]!
  const sorted = costs.subarray(0, open).sort()
  const taken = Math.min(count, open)
  const least = sorted[open - taken] ?? Infinity
  // Of the rows of the least cost that is taken, as many of the first as still have room.
  let ties = taken
  for (let i = open - 1; i >= 0 && sorted[i]! > least; i--) ties--
  const rows = new Uint32Array(taken)
  let at = 0
  for (let row = 0; row < cost.length; row++) {
    if (held[row]! >= MOST_COPIES) continue
    if (cost[row]! > least || (cost[row] === least && ties-- > 0)) rows[at++] = row
  }
  return rows
}
