import { Arena } from '../kernels/memory.js'
import { padded, routerTensors, routerViews } from '../tree/router.js'
import { treeShape } from '../tree/shape.js'
import { QueryRows } from './query-rows.js'
import type { TrainRequest } from './request.js'

/** A node moves only when at least this many queries' worth of neighbours vote for it. */
const ENOUGH_MASS = 1

/**
 * Move a geometric start halfway to the mean of the queries whose neighbours each node holds: the closed form that
 * comes close to a trained linear router without a step. Nodes that no query asks for stay where they are.
 * @param tables - level weights at the centroids and, for L2, biases of -|c|^2 / 2: they are overwritten.
 */
export function mixStart(request: TrainRequest, usesNorm: boolean): void {
  const { arities, dim, queries, labelOffsets, labelLeaves, labelWeights, tables } = request
  const shape = treeShape(arities)
  const width = padded(dim)
  const views = routerViews(routerTensors('linear', shape, dim), tables)
  const { leafCount } = shape
  // A memory of its own, which goes with the sums.
  const rows = new QueryRows(queries, dim, Arena.create())
  const { arena } = rows
  const sumsAt = arena.allocate(leafCount * width * 8)
  const mass = new Float64Array(leafCount)
  rows.each((first, count) => {
    for (let i = 0; i < count; i++) {
      const row = rows.address + i * width * 4
      for (let j = labelOffsets[first + i]!; j < labelOffsets[first + i + 1]!; j++) {
        const leaf = labelLeaves[j]!
        mass[leaf]! += labelWeights[j]!
        arena.kernels.addRows(row, width * 4, 1, width, labelWeights[j]!, sumsAt + leaf * width * 8)
      }
    }
  })
  const sums = new Float64Array(arena.memory.buffer, sumsAt, leafCount * width)
  for (let level = 0; level < arities.length; level++) {
    const nodes = shape.nodeCounts[level]!
    const below = leafCount / nodes
    const weights = views.get(`level ${level}`)!
    const bias = views.get(`bias ${level}`)!
    for (let node = 0; node < nodes; node++) {
      let total = 0
      for (let leaf = node * below; leaf < (node + 1) * below; leaf++) total += mass[leaf]!
      if (total < ENOUGH_MASS) continue
      let norm = 0
      for (let d = 0; d < dim; d++) {
        let sum = 0
        for (let leaf = node * below; leaf < (node + 1) * below; leaf++) sum += sums[leaf * width + d]!
        const at = node * width + d
        weights[at] = (weights[at]! + sum / total) / 2
        norm += weights[at]! * weights[at]!
      }
      if (usesNorm) bias[node] = -norm / 2
    }
  }
}
