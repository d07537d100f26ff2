import type { Arena } from '../kernels/memory.js'
import { routerTensors, tableFloats } from '../tree/router.js'
import { RouteModel, type ModelShape } from './route.js'

/** A router over tables as they are trained, in the layout of `routerTensors`: every node is a row of f32. */
export class TrainedRoute extends RouteModel {
  /** As `RouteModel`. */
  constructor(arena: Arena, model: ModelShape, tables: number, scratch: number) {
    const tensors = routerTensors(model.kind, model.shape, model.dim)
    const layout = tensors.map(({ name, rows, cols }) => ({ name, bytes: tableFloats(rows, cols) * 4 }))
    super(arena, model, tables, scratch, layout)
  }

  /** Nodes are scored as they are. */
  protected override quantize(): void {}

  protected override scoreFromTables(level: number, z: number, nodes: number, count: number, out: number): void {
    const { kernels, width, levels, biases, shape } = this
    const arity = shape.arities[level]!
    kernels.scoreChildren(z, width, levels[level]!, width * 4, biases[level]!, nodes, count, arity, out)
  }

  /**
   * Score every leaf, without a beam.
   * @returns address of f32 [leafCount], valid until the next call.
   */
  scoreLeaves(query: number): number {
    const { arities, nodeCounts, leafCount } = this.shape
    this.nodesScored = 0
    const z = this.encode(query)
    const last = arities.length - 1
    const rows = this.levels[last]!
    const { scores, nodes, best } = this.at
    if (rows > 0) {
      const bytes = this.width * 4
      this.nodesScored = leafCount
      this.kernels.dots(z, bytes, 1, rows, bytes, leafCount, this.width, this.biases[last]!, 0, scores)
      return scores
    }
    this.arena.f32(best, 1)[0] = 0
    for (let level = 0; level <= last; level++) {
      const count = level === 0 ? 1 : nodeCounts[level - 1]!
      const ids = this.arena.u32(nodes, count)
      for (let i = 0; i < count; i++) ids[i] = i
      if (level > 0) this.arena.f32(best, count).set(this.arena.f32(scores, count))
      this.scoreLevel(level, z, nodes, count, best, scores)
    }
    return scores
  }

  /**
   * Score the children of one node, for a tree update that goes layer by layer.
   * @param node - its number within level `level` - 1 (0 for the root).
   * @returns address of f32 [arity], valid until the next call; comparable among these children alone.
   */
  scoreNode(query: number, level: number, node: number): number {
    const { nodes, scores, best } = this.at
    const z = this.encode(query)
    this.arena.u32(nodes, 1)[0] = node
    this.arena.f32(best, 1)[0] = 0
    this.scoreLevel(level, z, nodes, 1, best, scores)
    return scores
  }
}
