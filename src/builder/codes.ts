import { Rng } from '../base/rng.js'
import { sharedF32, sharedU32 } from '../base/shared.js'
import type { Codec } from '../codes/coder.js'
import { joinBlocks } from '../codes/rotation.js'
import { CENTROIDS, codeShape, rotatedStride, rotationBlocks } from '../codes/shape.js'
import { NO_LEAF } from '../partition/balance.js'
import { LeafWriter } from '../codes/leaf-writer.js'
import type { LeafRecords } from '../codes/leaves.js'
import { toSteps } from '../tree/router.js'
import type { Snapshot } from '../tree/snapshot.js'
import { blockOf, rowsByLeaf, shareF32, shareU32, type Build } from './context.js'

/** Rows that rotation and codebooks are learned from. */
const SAMPLE = 8192
/** Rows, sub-codes and leaves a task. */
const ROW_BLOCK = 2048
const SUB_BLOCK = 8
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
 * sample of the first tree's leaves, then write the sections `mean` to `codebooks` and all records. Rows and the positions in
 * leaves are in place.
 * @param view - the index's sections, as they will be read.
 */
export async function encodeEntries(build: Build, view: Snapshot): Promise<CodeOutput> {
  const { pool, input } = build
  const { points, options } = input
  const total = 3 + view.tree.length
  const trees = view.tree.map(({ leafOffsets, leaves }): LeafRecords => ({ leafOffsets, leaves }))
  for (const [t, tree] of trees.entries()) {
    const leaves = new LeafWriter(tree, view)
    const { middles, mean } = await leafMeans(build, leaves)
    if (t === 0 && points.metric === 'l2') view.mean.set(mean)
    storeCentroids(view, leaves, middles, build.width)
    build.workspace.give(middles)
  }
  const dim = points.dim
  const codec: Codec = {
    dim,
    metric: view.metric,
    codeBytes: view.codeBytes,
    mean: view.mean,
    rotation: undefined,
    codebooks: new Float32Array(0),
  }
  build.report('encode', 1, total)
  const { sample, count } = await sampleResiduals(build, trees[0]!, codec)
  const shape = codeShape(dim, view.codeBytes)
  const blocks = rotationBlocks(shape).map(async (_, block) => pool.run('fitRotation', { codec, sample, count, block }))
  const rotation = joinBlocks(await Promise.all(blocks))
  const rotated: Codec = { ...codec, rotation: rotation === undefined ? undefined : shareF32(rotation) }
  if (rotation !== undefined) {
    view.rotation.set(rotation)
    await pool.each('rotate', count, blockOf(count, ROW_BLOCK), { codec: rotated, sample })
  }
  build.report('encode', 2, total)
  const codebooks = sharedF32(shape.dims * CENTROIDS)
  await pool.each('codebooks', shape.subs, SUB_BLOCK, {
    codec,
    sample,
    rows: count,
    seed: options.seed,
    out: codebooks,
  })
  view.codebooks.set(codebooks)
  const whole: Codec = { ...rotated, codebooks }
  build.report('encode', 3, total)
  const terms: Float32Array[] = []
  for (const [t, tree] of trees.entries()) {
    const outTerms = build.workspace.f32(view.entryCount)
    const task = { points, codec: whole, tree, outTerms }
    await pool.each('encode', build.shape.leafCount, blockOf(build.shape.leafCount, LEAF_BLOCK), task, (done, all) =>
      build.report('encode', 3 + t + done / all, total),
    )
    terms.push(outTerms)
  }
  const termUnit = points.metric === 'l2' ? storeTerms(view, terms) : 0
  build.workspace.give(...terms)
  return { rotated: rotation !== undefined, termUnit }
}

/**
 * Means of the rows that each leaf holds first, copies left out, f32 [leafCount * width], and the mean of these, f32 [width], which
 * stands for a leaf of copies alone.
 */
async function leafMeans(build: Build, leaves: LeafWriter): Promise<{ middles: Float32Array; mean: Float32Array }> {
  const { pool, shape, input, width, workspace } = build
  const leafOf = workspace.u32(input.points.size).fill(NO_LEAF)
  for (let leaf = shape.leafCount - 1; leaf >= 0; leaf--) {
    for (const position of leaves.positions(leaf)) leafOf[position] = leaf
  }
  const { offsets, rows } = rowsByLeaf(workspace, leafOf, shape.leafCount)
  // Of a leaf without rows of its own: zeroes.
  const middles = workspace.f32(shape.leafCount * width)
  await pool.each('means', shape.leafCount, blockOf(shape.leafCount, LEAF_BLOCK), {
    points: input.points,
    offsets,
    rows,
    out: middles,
  })
  const empty = Array.from({ length: shape.leafCount }, (_, leaf) => leaf).filter(
    (leaf) => offsets[leaf] === offsets[leaf + 1],
  )
  const sums = new Float64Array(width)
  for (let i = 0; i < middles.length; i++) sums[i % width]! += middles[i]!
  const mean = Float32Array.from(sums, (sum) => sum / (shape.leafCount - empty.length))
  for (const leaf of empty) middles.set(mean, leaf * width)
  workspace.give(leafOf, offsets, rows)
  return { middles, mean }
}

/** Write the centroids of a tree less the mean in 8-bit steps, and what each adds to the scores of its entries. */
function storeCentroids(
  { dim, mean, metric }: Snapshot,
  leaves: LeafWriter,
  middles: Float32Array,
  width: number,
): void {
  const values = new Float32Array(dim)
  for (let leaf = 0; leaf < leaves.count; leaf++) {
    for (let i = 0; i < dim; i++) values[i] = middles[leaf * width + i]! - mean[i]!
    const steps = leaves.centroid(leaf)
    const scale = toSteps(values, steps)
    leaves.setScale(leaf, scale)
    if (metric !== 'l2') continue
    let sum = 0
    for (let i = 0; i < dim; i++) sum += (steps[i]! * scale) ** 2
    leaves.setBias(leaf, sum)
  }
}

/** Residuals of some rows of the first tree, each to its leaf's centroid. */
async function sampleResiduals(
  { pool, input }: Build,
  tree: LeafRecords,
  codec: Codec,
): Promise<{ sample: Float32Array; count: number }> {
  const { points, options, entryCount } = input
  const leaves = new LeafWriter(tree, codec)
  const { leafOffsets } = tree
  const chosen = new Rng(options.seed, 19_000).sample(entryCount, SAMPLE).sort()
  const leafOf = sharedU32(chosen.length)
  let leaf = 0
  chosen.forEach((entry, i) => {
    while (entry >= leafOffsets[leaf + 1]!) leaf++
    leafOf[i] = leaf
  })
  const rows = shareU32(chosen.map((entry, i) => leaves.position(leafOf[i]!, entry - leafOffsets[leafOf[i]!]!)))
  const out = sharedF32(rows.length * rotatedStride(codeShape(codec.dim, codec.codeBytes)))
  await pool.each('residuals', rows.length, blockOf(rows.length, ROW_BLOCK), { points, codec, tree, rows, leafOf, out })
  return { sample: out, count: rows.length }
}

/** Write the terms of every tree in steps of one unit, which is returned. */
function storeTerms(view: Snapshot, terms: readonly Float32Array[]): number {
  let most = 0
  for (const tree of terms) for (const term of tree) most = Math.max(most, Math.abs(term))
  const unit = Math.fround(most / TERM_STEPS)
  if (unit === 0) return 0
  for (const [t, tree] of terms.entries()) {
    const leaves = new LeafWriter(view.tree[t]!, view)
    let e = 0
    for (let leaf = 0; leaf < leaves.count; leaf++) {
      for (let i = 0; i < leaves.size(leaf); i++) {
        leaves.setTerm(leaf, i, Math.max(-TERM_STEPS, Math.min(TERM_STEPS, Math.round(tree[e++]! / unit))))
      }
    }
  }
  return unit
}
