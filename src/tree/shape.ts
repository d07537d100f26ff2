/**
 * A complete tree: every node of one level has the same number of children.
 * Level h holds `nodeCount(h)` nodes (h from 0, below the root); the nodes of the last level are the leaves.
 * The children of node n are the nodes [n * arity, (n + 1) * arity) of the next level.
 */
export interface TreeShape {
  /** Children per node, root first. */
  readonly arities: readonly number[]
  /** Nodes of each level: the running product of the arities. */
  readonly nodeCounts: readonly number[]
  readonly leafCount: number
}

export function treeShape(arities: readonly number[]): TreeShape {
  const nodeCounts: number[] = []
  let nodes = 1
  for (const arity of arities) nodeCounts.push((nodes *= arity))
  return { arities: [...arities], nodeCounts, leafCount: nodes }
}

/**
 * Arities of a tree of about `leaves` leaves.
 * @param arity - children per inner node, or 0 for the shape of least routing work: one level up to 64 leaves, two above.
 */
export function planShape(leaves: number, arity = 0): TreeShape {
  const wanted = Math.max(2, Math.round(leaves))
  if (arity > 0) {
    const depth = Math.max(1, Math.ceil(Math.log(wanted) / Math.log(arity) - 1e-9))
    const last = Math.max(2, Math.round(wanted / arity ** (depth - 1)))
    return treeShape([...new Array<number>(depth - 1).fill(arity), Math.min(arity, last)])
  }
  if (wanted <= 64) return treeShape([wanted])
  const first = Math.round(Math.sqrt(wanted))
  return treeShape([first, Math.round(wanted / first)])
}
