import { Rng } from '../base/rng.js'
import type { Arena } from '../kernels/memory.js'
import type { TreeShape } from '../tree/shape.js'
import { balance } from './balance.js'
import { kMeans, nearnessBias } from './kmeans.js'

/** Turns of exact assignment and means when nodes are grouped under parents. */
const TURNS = 4

/** A tree over leaf centroids. */
export interface Grouping {
  /** [leafCount] tree leaf -> the number it had before. */
  readonly order: Uint32Array
  /** Centroids of each level's nodes in tree order, f32 [nodeCounts[h] * width]; the last are the leaves'. */
  readonly levels: readonly Float32Array[]
}

/**
 * Group leaf centroids bottom-up into a tree in which every node has exactly its arity of children: balance is made
 * once, globally, at the leaves, so the levels above only have to be compact.
 * @param leaves - centroids f32 [leafCount * width].
 */
export function groupLeaves(
  arena: Arena,
  leaves: Float32Array,
  shape: TreeShape,
  width: number,
  seed: number,
): Grouping {
  const parents: Uint32Array[] = []
  let nodes = leaves
  for (let level = shape.arities.length - 1; level > 0; level--) {
    const grouped = groupOnce(arena, nodes, shape.nodeCounts[level - 1]!, width, new Rng(seed, 100 + level))
    parents.unshift(grouped.parent)
    nodes = grouped.centroids
  }
  // From the root down: the children of a node follow one another, in the order of their parents.
  let order: Uint32Array = new Uint32Array(nodes.length / width).map((_, i) => i)
  for (const parent of parents) {
    const place = new Uint32Array(order.length)
    for (let i = 0; i < order.length; i++) place[order[i]!] = i
    order = new Uint32Array(parent.length)
      .map((_, i) => i)
      .sort((a, b) => place[parent[a]!]! - place[parent[b]!]! || a - b)
  }
  return { order, levels: nodeCentroids(permuteRows(leaves, order, width), shape, width) }
}

/** Rows of f32 [count * width] in another order. */
export function permuteRows(rows: Float32Array, order: Uint32Array, width: number): Float32Array {
  const out = new Float32Array(rows.length)
  for (let i = 0; i < order.length; i++) out.set(rows.subarray(order[i]! * width, (order[i]! + 1) * width), i * width)
  return out
}

/** Centroids of every level from those of the leaves in tree order: each inner node at the mean of its children. */
export function nodeCentroids(leaves: Float32Array, shape: TreeShape, width: number): Float32Array[] {
  const levels = [leaves]
  for (let level = shape.arities.length - 1; level > 0; level--) {
    const arity = shape.arities[level]!
    const below = levels[0]!
    const means = new Float32Array(shape.nodeCounts[level - 1]! * width)
    for (let i = 0; i < below.length; i++)
      means[Math.floor(i / (arity * width)) * width + (i % width)]! += below[i]! / arity
    levels.unshift(means)
  }
  return levels
}

/** Assign nodes to `groups` groups of one size; returns each node's group and the groups' centroids. */
function groupOnce(
  arena: Arena,
  nodes: Float32Array,
  groups: number,
  width: number,
  rng: Rng,
): { parent: Uint32Array; centroids: Float32Array } {
  const count = nodes.length / width
  const address = arena.allocate(nodes.byteLength + groups * (width + 1) * 4 + count * groups * 4)
  const tables = address + nodes.byteLength
  const bias = tables + groups * width * 4
  const scores = bias + groups * 4
  arena.f32(address, nodes.length).set(nodes)
  const centroids = kMeans(arena, { address, count, width }, groups, 12, rng)
  const capacities = new Uint32Array(groups).fill(count / groups)
  let parent = new Uint32Array(count)
  for (let turn = 0; turn < TURNS; turn++) {
    arena.f32(tables, centroids.length).set(centroids)
    arena.f32(bias, groups).set(nearnessBias(centroids, width))
    arena.kernels.dots(address, width * 4, count, tables, width * 4, groups, width, bias, 0, scores)
    const all = arena.f32(scores, count * groups).slice()
    const lists = { leaves: undefined, scores: all, count, length: groups }
    const scoreAll = (row: number): Float32Array => all.subarray(row * groups, (row + 1) * groups)
    parent = new Uint32Array(balance(arena, { lists, capacities, scoreAll }))
    centroids.fill(0)
    for (let i = 0; i < nodes.length; i++) {
      centroids[parent[Math.floor(i / width)]! * width + (i % width)]! += (nodes[i]! * groups) / count
    }
  }
  arena.free(address)
  return { parent, centroids }
}
