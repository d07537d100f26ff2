import { expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { visitOrder } from '../../../build/search/visit-order.js'

test.each([
  [0, 1],
  [1, 1],
  [500, 1],
  [500, 7],
  [1000, 700],
])('of %i queries over %i nodes goes by node, those of one node as they came', (count, nodeCount) => {
  const rng = new Rng(count + nodeCount)
  const nodes = Uint32Array.from({ length: count }, () => rng.below(nodeCount))
  const order = new Uint32Array(count)
  visitOrder(nodes, nodeCount, order)
  const sorted = Array.from(nodes.keys()).sort((a, b) => nodes[a]! - nodes[b]! || a - b)
  expect([...order]).toEqual(sorted)
})
