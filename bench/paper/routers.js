// @ts-check
/** Partitions of the rows, and routers that put their leaves in order for a query. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { kMeans, nearnessBias } from '../../build/partition/kmeans.js'
import { Rng } from '../../build/base/rng.js'

/** Passes of Lloyd. */
const ITERATIONS = 10

/** @typedef {import('./leaf-scanner.js').LeafScanner} LeafScanner */
/** @typedef {import('./leaf-scanner.js').Router} Router */

/** Centroids with their bias, in an arena. @param {LeafScanner} scanner @param {number} first @param {number} rows @param {number} count @param {Rng} rng */
function cluster(scanner, first, rows, count, rng) {
  const { arena, width, points } = scanner
  const block = { address: points + first * width * 4, count: rows, width }
  const means = kMeans(arena, block, count, ITERATIONS, rng)
  const centroids = arena.allocate(means.byteLength)
  arena.f32(centroids, means.length).set(means)
  const bias = arena.allocate(count * 4)
  arena.f32(bias, count).set(nearnessBias(means, width))
  const chosen = scanner.nearest({ centroids, bias, count, first, rows })
  // What a query is scored by: nearness, or under the inner product the product with the centroid.
  return { centroids, bias: scanner.set.metric === 'ip' ? 0 : bias, chosen, count }
}

/** An inverted file: flat k-means, each row in its nearest leaf. @param {LeafScanner} scanner @param {number} leafCount @returns {Router} */
export function invertedFile(scanner, leafCount) {
  const { arena, set, width } = scanner
  const { kernels } = arena
  const { centroids, bias, chosen } = cluster(scanner, 0, set.size, leafCount, new Rng(1))
  scanner.offsets = scanner.arrange(chosen, leafCount)
  const scores = arena.allocate(leafCount * 4)
  const best = bestLeaves(scanner, leafCount, scores)
  return {
    bytes: leafCount * (width + 1) * 4,
    route(query, probes) {
      kernels.dots(query, width * 4, 1, centroids, width * 4, leafCount, width, bias, 0, scores)
      return best(probes)
    },
  }
}

/** @param {LeafScanner} scanner @param {number} leafCount @param {number} scores */
function bestLeaves({ arena }, leafCount, scores) {
  const scratch = arena.allocate(arena.kernels.selectBytes(leafCount, leafCount))
  const [leaves, values] = [arena.allocate(leafCount * 4), arena.allocate(leafCount * 4)]
  return (/** @type {number} */ probes) => {
    const count = arena.kernels.selectBest(scores, leafCount, probes, scratch, leaves, values)
    return arena.u32(leaves, count)
  }
}

/**
 * A hierarchical k-means tree: each node's rows by k-means into `arity` children, `depth` times; searched best node first.
 * @param {LeafScanner} scanner @param {number} arity @param {number} depth
 * @returns {Router & { leafCount: number }}
 */
export function kMeansTree(scanner, arity, depth) {
  const rng = new Rng(1)
  /** @typedef {{ leaf: number, children: Node[], centroids: number, bias: number }} Node */
  /** @type {number[]} */
  const offsets = []
  let bytes = 0
  /** @param {number} first @param {number} rows @param {number} level @returns {Node} */
  const grow = (first, rows, level) => {
    if (level === depth || rows <= arity) {
      offsets.push(first)
      return { leaf: offsets.length - 1, children: [], centroids: 0, bias: 0 }
    }
    const { centroids, bias, chosen } = cluster(scanner, first, rows, arity, rng)
    const starts = scanner.arrange(chosen, arity, first)
    bytes += arity * (scanner.width + 1) * 4
    const children = Array.from({ length: arity }, (_, child) => {
      const from = starts[child] ?? 0
      return grow(first + from, (starts[child + 1] ?? 0) - from, level + 1)
    })
    return { leaf: -1, children, centroids, bias }
  }
  const root = grow(0, scanner.set.size, 0)
  scanner.offsets = Uint32Array.from([...offsets, scanner.set.size])
  const { arena, width } = scanner
  const scores = arena.allocate(arity * 4)
  return {
    bytes,
    leafCount: offsets.length,
    *route(query, probes) {
      /** Nodes to visit, the best last. @type {{ node: Node, score: number }[]} */
      const open = [{ node: root, score: 0 }]
      for (let visited = 0; visited < probes;) {
        const best = open.pop()
        if (best === undefined) return
        const { leaf, children, centroids, bias } = best.node
        if (leaf >= 0) {
          visited++
          yield leaf
          continue
        }
        arena.kernels.dots(query, width * 4, 1, centroids, width * 4, arity, width, bias, 0, scores)
        const values = arena.f32(scores, arity)
        children.forEach((node, i) => open.push({ node, score: values[i] ?? 0 }))
        open.sort((a, b) => a.score - b.score)
      }
    },
  }
}

/**
 * The partition and classifier that neural_lsh.py left in a folder: one hidden layer, then a score for each leaf.
 * @param {LeafScanner} scanner @param {string} folder @param {number} leafCount @param {number} hidden
 * @returns {Router}
 */
export function learnedPartition(scanner, folder, leafCount, hidden) {
  const { arena, set, width } = scanner
  const { kernels } = arena
  const floats = (/** @type {string} */ name) =>
    new Float32Array(Uint8Array.from(readFileSync(join(folder, name))).buffer)
  const leafOf = new Uint32Array(Uint8Array.from(readFileSync(join(folder, 'leaves.u32'))).buffer)
  scanner.offsets = scanner.arrange(leafOf, leafCount)
  const put = (/** @type {Float32Array} */ values, /** @type {number} */ cols, /** @type {number} */ stride) => {
    const rows = values.length / cols
    const address = arena.allocate(rows * stride * 4)
    const table = arena.f32(address, rows * stride)
    for (let i = 0; i < rows; i++) table.set(values.subarray(i * cols, (i + 1) * cols), i * stride)
    return address
  }
  const [w1, b1] = [put(floats('w1.f32'), set.dim, width), put(floats('b1.f32'), 1, 1)]
  const [w2, b2] = [put(floats('w2.f32'), hidden, hidden), put(floats('b2.f32'), 1, 1)]
  const [middle, scores] = [arena.allocate(hidden * 4), arena.allocate(leafCount * 4)]
  const best = bestLeaves(scanner, leafCount, scores)
  return {
    bytes: (hidden * (width + 1) + leafCount * (hidden + 1)) * 4,
    route(query, probes) {
      kernels.dots(query, width * 4, 1, w1, width * 4, hidden, width, b1, 1, middle)
      kernels.dots(middle, hidden * 4, 1, w2, hidden * 4, leafCount, hidden, b2, 0, scores)
      return best(probes)
    },
  }
}
