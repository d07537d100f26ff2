// @ts-check
import { toFloats } from '../../build/base/rows.js'
import { RouteModel } from '../../build/search/route.js'
import { QueryBuffer } from '../../build/search/query.js'
import { LeafWriter } from '../../build/codes/leaf-writer.js'

/** Neighbours that recall is counted over. */
const K = 10

/**
 * Recall@10 against entries looked at, for every number of probes, without a beam: what the partition and the order of
 * its leaves are worth. Exact scan of the leaves, so recall is the share of true neighbours whose leaf was visited.
 * @param {import('../../build/open.js').OpenIndex} open
 * @param {import('./data.js').DataSet} data
 */
export function probeCurve(open, data) {
  const { arena, snapshot } = open
  const { dim, shape, router, size, order } = snapshot
  const { leafCount } = shape
  const positions = new Uint32Array(size)
  for (let p = 0; p < size; p++) positions[order[p] ?? 0] = p
  const model = { kind: router, shape, dim }
  const trees = snapshot.tree.map((tree) => ({
    ...tree,
    holders: holdersOf(new LeafWriter(tree, snapshot), size, snapshot.entryCount),
    model: new RouteModel(
      arena,
      model,
      tree.router.byteOffset,
      arena.allocate(RouteModel.scratchBytes(arena.kernels, model)),
    ),
  }))
  const query = new QueryBuffer(arena, snapshot, arena.allocate(QueryBuffer.scratchBytes(dim)))
  const scratch = arena.allocate(arena.kernels.sortBytes(leafCount))
  const recall = new Float64Array(leafCount + 1)
  const entries = new Float64Array(leafCount + 1)
  const rank = new Uint32Array(leafCount)
  const found = new Uint32Array(K)
  for (let q = 0; q < data.queryCount; q++) {
    query.load(data.queries.subarray(q * dim, (q + 1) * dim))
    found.fill(leafCount)
    for (const { model: route, leafOffsets, holders } of trees) {
      const count = route.route(query.routing, { probes: leafCount, beamWidth: leafCount })
      arena.kernels.sortBest(route.leaves, route.leafScores, count, scratch)
      const leaves = arena.u32(route.leaves, count)
      for (let i = 0; i < count; i++) {
        const leaf = leaves[i] ?? 0
        rank[leaf] = i
        const held = (leafOffsets[leaf + 1] ?? 0) - (leafOffsets[leaf] ?? 0)
        add(entries, i + 1, held / data.queryCount)
      }
      for (let j = 0; j < K; j++) {
        const position = positions[data.truth[q * data.truthK + j] ?? 0] ?? 0
        for (let h = holders.offsets[position] ?? 0; h < (holders.offsets[position + 1] ?? 0); h++) {
          found[j] = Math.min(found[j] ?? leafCount, rank[holders.leaves[h] ?? 0] ?? leafCount)
        }
      }
    }
    for (const at of found) add(recall, at + 1, 1 / (data.queryCount * K))
  }
  for (let i = 1; i <= leafCount; i++) {
    add(recall, i, recall[i - 1] ?? 0)
    add(entries, i, entries[i - 1] ?? 0)
  }
  return { recall, entries }
}

/**
 * The least that a tree must beat under the inner product: recall@10 of the n rows of largest norm, scanned exactly, for all n.
 * @param {import('./data.js').DataSet} data
 */
export function normCurve(data) {
  const { dim, size } = data
  const values = toFloats(data.rows, data.type)
  const norms = new Float64Array(size)
  for (let i = 0; i < size * dim; i++) add(norms, Math.floor(i / dim), (values[i] ?? 0) ** 2)
  const rank = new Uint32Array(size)
  Array.from(norms.keys())
    .sort((a, b) => (norms[b] ?? 0) - (norms[a] ?? 0) || a - b)
    .forEach((row, place) => (rank[row] = place))
  const recall = new Float64Array(size + 1)
  for (let q = 0; q < data.queryCount; q++) {
    for (let j = 0; j < K; j++) {
      add(recall, (rank[data.truth[q * data.truthK + j] ?? 0] ?? 0) + 1, 1 / (data.queryCount * K))
    }
  }
  for (let n = 1; n <= size; n++) add(recall, n, recall[n - 1] ?? 0)
  return { recall, entries: Float64Array.from(recall.keys()) }
}

/** @param {Float64Array | Uint32Array} sums @param {number} at @param {number} amount */
function add(sums, at, amount) {
  sums[at] = (sums[at] ?? 0) + amount
}

/**
 * Which leaves hold each row.
 * @param {LeafWriter} records
 * @param {number} size
 * @param {number} entryCount
 */
function holdersOf(records, size, entryCount) {
  const offsets = new Uint32Array(size + 1)
  for (let leaf = 0; leaf < records.count; leaf++) {
    for (const position of records.positions(leaf)) add(offsets, position + 1, 1)
  }
  for (let p = 0; p < size; p++) add(offsets, p + 1, offsets[p] ?? 0)
  const next = offsets.slice()
  const leaves = new Uint32Array(entryCount)
  for (let leaf = 0; leaf < records.count; leaf++) {
    for (const position of records.positions(leaf)) {
      leaves[next[position] ?? 0] = leaf
      add(next, position, 1)
    }
  }
  return { offsets, leaves }
}

/**
 * Entries (as a share of the rows, in percent) and probes at a recall, interpolated between numbers of probes.
 * @param {{ recall: Float64Array, entries: Float64Array }} curve
 * @param {number} wanted
 * @param {number} size
 */
export function atRecall({ recall, entries }, wanted, size) {
  const probes = recall.findIndex((value) => value >= wanted)
  if (probes < 1) return undefined
  const [low, high] = [recall[probes - 1] ?? 0, recall[probes] ?? 1]
  const share = (wanted - low) / (high - low)
  const scanned = (entries[probes - 1] ?? 0) + share * ((entries[probes] ?? 0) - (entries[probes - 1] ?? 0))
  return { candidatesPct: (100 * scanned) / size, probes: probes - 1 + share }
}
