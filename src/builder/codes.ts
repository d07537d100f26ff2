import { Rng } from '../base/rng.js'
import type { Codec, LeafCentroids } from '../codes/coder.js'
import { BLOCK, CENTROIDS, codeShape, rotatedStride } from '../codes/shape.js'
import { paddedBytes, toSteps } from '../tree/router.js'
import type { Snapshot, TreeView } from '../tree/snapshot.js'
import { rowsByLeaf, sharedF32, shareF32, sharedU32, shareU32, type Build } from './context.js'

/** Rows that rotation and codebooks are learned from. */
const SAMPLE = 8192
/** Rows, sub-codes and blocks of 16 entries a task. */
const ROW_BLOCK = 2048
const SUB_BLOCK = 8
const CODE_BLOCK = 256
const LEAF_BLOCK = 64
/** Steps of a term to either side. */
const TERM_STEPS = 32_767

/** What coding found out, beside what it wrote to the index. */
export interface CodeOutput {
  readonly rotated: boolean
  readonly termUnit: number
}

/**
 * Code every entry of every tree as its residual to its own leaf's centroid: learn the rotation and the codebooks from a
 * sample of the first tree's leaves, then write the sections `mean` to `terms`. Rows, leaves and entries are in place.
 * @param view - the index's sections, as they will be read.
 */
export async function encodeEntries(build: Build, view: Snapshot): Promise<CodeOutput> {
  const { pool, input } = build
  const { points, options } = input
  const total = 3 + view.tree.length
  const centroids: LeafCentroids[] = []
  for (const [t, tree] of view.tree.entries()) {
    const middles = await leafMeans(build, tree)
    if (t === 0 && points.metric === 'l2') view.mean.set(meanOf(middles, build.width))
    centroids.push(storeCentroids(view, tree, middles, build.width))
  }
  const dim = points.dim
  const codec: Codec = {
    dim,
    codeBytes: view.codeBytes,
    mean: view.mean,
    rotation: undefined,
    codebooks: new Float32Array(0),
  }
  build.report('encode', 1, total)
  const { sample, count } = await sampleResiduals(build, view.tree[0]!, codec, centroids[0]!)
  const rotation = await pool.run('rotation', { codec, sample, count })
  if (rotation !== undefined) view.rotation.set(rotation)
  build.report('encode', 2, total)
  const shape = codeShape(dim, view.codeBytes)
  const codebooks = sharedF32(shape.dims * CENTROIDS)
  await pool.each('codebooks', shape.subs, SUB_BLOCK, {
    codec,
    sample,
    rows: count,
    seed: options.seed,
    out: codebooks,
  })
  view.codebooks.set(codebooks)
  const whole: Codec = { ...codec, rotation: rotation === undefined ? undefined : shareF32(rotation), codebooks }
  build.report('encode', 3, total)
  const terms: Float32Array[] = []
  for (const [t, tree] of view.tree.entries()) {
    const outTerms = sharedF32(tree.entries.length)
    const { leafOffsets, entries, codes: outCodes } = tree
    const task = { points, codec: whole, centroids: centroids[t]!, leafOffsets, entries, outCodes, outTerms }
    const blocks = Math.ceil(entries.length / BLOCK)
    await pool.each('encode', blocks, CODE_BLOCK, task, (done, all) =>
      build.report('encode', 3 + t + done / all, total),
    )
    terms.push(outTerms)
  }
  const termUnit = points.metric === 'l2' ? storeTerms(view, terms) : 0
  return { rotated: rotation !== undefined, termUnit }
}

/** Means of the rows that each leaf holds first: f32 [leafCount * width], the copies left out. */
async function leafMeans(build: Build, { leafOffsets, entries }: TreeView): Promise<Float32Array> {
  const { pool, shape, input, width } = build
  const leafOf = new Int32Array(input.points.size).fill(-1)
  for (let leaf = shape.leafCount - 1; leaf >= 0; leaf--) {
    for (let e = leafOffsets[leaf]!; e < leafOffsets[leaf + 1]!; e++) leafOf[entries[e]!] = leaf
  }
  const { offsets, rows } = rowsByLeaf(leafOf, shape.leafCount)
  const out = sharedF32(shape.leafCount * width)
  await pool.each('means', shape.leafCount, LEAF_BLOCK, { points: input.points, offsets, rows, out })
  return out
}

function meanOf(vectors: Float32Array, width: number): Float32Array {
  const sums = new Float64Array(width)
  for (let i = 0; i < vectors.length; i++) sums[i % width]! += vectors[i]!
  return Float32Array.from(sums, (sum) => (sum * width) / vectors.length)
}

/** Write the centroids of a tree less the mean in 8-bit steps, and what each adds to the scores of its entries. */
function storeCentroids(view: Snapshot, tree: TreeView, middles: Float32Array, width: number): LeafCentroids {
  const { dim, mean, metric } = view
  const bytes = paddedBytes(dim)
  const { centroids: steps, centroidScales: scales, centroidBiases: biases } = tree
  const values = new Float32Array(dim)
  for (let leaf = 0; leaf < scales.length; leaf++) {
    for (let i = 0; i < dim; i++) values[i] = middles[leaf * width + i]! - mean[i]!
    const own = steps.subarray(leaf * bytes, (leaf + 1) * bytes)
    const scale = (scales[leaf] = toSteps(values, own))
    if (metric !== 'l2') continue
    let sum = 0
    for (let i = 0; i < dim; i++) sum += (own[i]! * scale) ** 2
    biases[leaf] = sum
  }
  return { steps, scales }
}

/** Residuals of some rows of the first tree, each to its leaf's centroid. */
async function sampleResiduals(
  { pool, input }: Build,
  { leafOffsets, entries }: TreeView,
  codec: Codec,
  centroids: LeafCentroids,
): Promise<{ sample: Float32Array; count: number }> {
  const { points, options } = input
  const chosen = new Rng(options.seed, 19_000).sample(entries.length, SAMPLE).sort()
  const leafOf = sharedU32(chosen.length)
  let leaf = 0
  chosen.forEach((entry, i) => {
    while (entry >= leafOffsets[leaf + 1]!) leaf++
    leafOf[i] = leaf
  })
  const rows = shareU32(chosen.map((entry) => entries[entry]!))
  const out = sharedF32(rows.length * rotatedStride(codeShape(codec.dim, codec.codeBytes)))
  await pool.each('residuals', rows.length, ROW_BLOCK, { points, codec, centroids, rows, leafOf, out })
  return { sample: out, count: rows.length }
}

/** Write the terms of every tree in steps of one unit, which is returned. */
function storeTerms(view: Snapshot, terms: readonly Float32Array[]): number {
  let most = 0
  for (const tree of terms) for (const term of tree) most = Math.max(most, Math.abs(term))
  const unit = Math.fround(most / TERM_STEPS)
  if (unit === 0) return 0
  for (const [t, tree] of terms.entries()) {
    const out = view.tree[t]!.terms
    for (let e = 0; e < tree.length; e++) {
      out[e] = Math.max(-TERM_STEPS, Math.min(TERM_STEPS, Math.round(tree[e]! / unit)))
    }
  }
  return unit
}
