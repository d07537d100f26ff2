/**
 * An order for the queries of a batch: those that begin at the same node below the root follow one another, since the leaves
 * that they visit, and the rows in them, lie near each other in memory.
 * @param nodes - where each query begins, below `nodeCount`.
 * @param out - [nodes.length]: places in `nodes`, those of equal nodes as they came.
 */
export function visitOrder(nodes: Uint32Array, nodeCount: number, out: Uint32Array): void {
  const starts = new Uint32Array(nodeCount + 1)
  for (const node of nodes) starts[node + 1]!++
  for (let node = 0; node < nodeCount; node++) starts[node + 1]! += starts[node]!
  nodes.forEach((node, place) => (out[starts[node]!++] = place))
}
