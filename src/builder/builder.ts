import { sharedU32 } from '../base/shared.js'
import { mapSnapshot } from '../format/decode.js'
import type { Holders } from '../pool/messages.js'
import { liveViews } from '../kernels/memory.js'
import { LeafWriter } from '../codes/leaf-writer.js'
import { packRouter, padded } from '../tree/router.js'
import type { Rung, Snapshot } from '../tree/snapshot.js'
import { encodeEntries } from './codes.js'
import { addCopies, rowCosts } from './copies.js'
import {
  isLarge,
  restThreads,
  shareF32,
  singleHolders,
  shareU32,
  type Build,
  type BuildInput,
  type BuildMeans,
  type Labelled,
  type RoundReport,
  type TreeState,
} from './context.js'
import { trainingQueries } from './plan.js'
import { partition, settleRows, type Partition } from './partition.js'
import {
  chooseLessons,
  dropLessons,
  positionsOf,
  searchNeighbours,
  splitQueries,
  withheldTruth,
  type GeometricIndex,
} from './queries.js'
import { alternate, randomLeaves, type Jury } from './rounds.js'
import { blockRouterOf, geometricRouter, trainRouter, type Training } from './route.js'
import { probesFor, scoreTrees, tuneLadders } from './tune.js'
import { Workspace } from './workspace.js'

/** Neighbours of a query that label its leaves: the published network learns from a hundred. */
const LABELS = 20
const PUBLISHED_LABELS = 100
/** Queries that the published network is trained on. */
const PUBLISHED_QUERIES = 100_000
/**
 * Recall of the searches that labels start from. With a look at what is near to what they find, labels of .9 are worth as
 * much as those of a search for .98, in a fraction of its time; on small bases less is not enough.
 */
const LABEL_RECALL = 0.9
/** Training after copies, relative to the first: as long a one looks at 1% fewer rows at the most (docs/evidence.md). */
const COPIES_EFFORT = 0.5

/** Rows from which on what trains ends between two trainings: its memory is then less than what the steps between take. */
const ENDED_ROWS = 200_000

/** What a build found out, beside what it wrote to the index. */
export interface BuildOutput {
  readonly rungs: readonly Rung[]
  readonly trainer: 'none' | 'wasm' | 'tfjs-node'
  readonly rotated: boolean
  readonly termUnit: number
  readonly rounds: readonly RoundReport[]
}

/**
 * Build the trees of an index over rows that lie in its memory.
 *
 * 1. Cluster the rows into balanced leaves, grouped into a tree.
 * 2. Find the neighbours of the queries that are learned from, and the exact ones of those that are withheld.
 * 3. For each tree: train the router, alternate with tree updates, add copies where queries miss, train on.
 * 4. Move the rows into leaf order, write leaves, and code the entries, while the last tree's router is trained on; write routers.
 * 5. Tune the ladders of settings on the withheld queries.
 */
export async function buildTrees(input: BuildInput, means: BuildMeans): Promise<BuildOutput> {
  const { points, options } = input
  const split = splitQueries(points.size, input.log === undefined ? 0 : input.log.length / points.dim, options.seed)
  const build: Build = {
    ...means,
    input,
    shape: input.plan.shape,
    width: padded(points.dim),
    workspace: new Workspace(),
    order: new Uint32Array(points.size).map((_, i) => i),
    withheld: marked(points.size, split.withheldRows),
    trainer: 'none',
  }
  const geometry = await partition(build, options.seed, true)
  await restThreads(build)
  const trains = input.study?.flat !== true
  // What trains holds much memory, so that it waits where the neighbours do.
  if (trains && !isLarge(points.size)) build.prepareTraining()
  const withheld = await withheldTruth(build, split)
  const found = trains
    ? await searchNeighbours(
        build,
        split,
        await labelIndex(build, geometry, withheld),
        options.router === 'seq2seq' ? PUBLISHED_LABELS : LABELS,
      )
    : []
  if (trains) build.prepareTraining()
  await restThreads(build)
  const jury: Jury = { withheld, judge: judgeOf(build) }
  const grown: GrownTree[] = []
  for (let tree = 0; tree < options.trees; tree++) {
    const seed = options.seed + 1_000_003 * tree
    const own = tree === 0 || options.start === 'random' ? geometry : await partition(build, seed, false)
    grown.push(await growTree(build, own, { found, jury, tree, seed, last: tree === options.trees - 1 }))
  }
  const { view, place } = await pack(
    build,
    grown.map(({ state }) => state),
  )
  await restThreads(build)
  const sets = withheld.map((set) => movedQueries(set, place))
  const [coded, retrained] = await Promise.all([
    encodeEntries(build, view).then(async (output) => {
      await restThreads(build)
      return output
    }),
    Promise.all(grown.map(async ({ retrained }) => retrained)),
  ])
  await build.endTraining()
  await restThreads(build)
  const states: TreeState[] = []
  for (const [tree, { state }] of grown.entries()) {
    states.push(
      await betterRouter(build, { ...state, holders: movedHolders(state.holders, place) }, retrained[tree], sets),
    )
  }
  states.forEach(({ router }, tree) =>
    packRouter(router.kind, build.shape, points.dim, router.tables, view.tree[tree]!.router),
  )
  const { memory, key } = points
  const whole = { ...view, ...coded, trainer: build.trainer }
  const snapshot: Snapshot = liveViews(memory, options.keepsRows ? whole : withoutRows(whole))
  const rungs = await tuneLadders(build, { memory, key, snapshot }, states, sets)
  const rounds = grown.flatMap((tree) => tree.rounds)
  return { rungs, trainer: build.trainer, ...coded, rounds }
}

/** [size] 1 for each of some numbers. */
function marked(size: number, numbers: Uint32Array): Uint8Array {
  const marks = new Uint8Array(size)
  for (const number of numbers) marks[number] = 1
  return marks
}

/** An index as it is searched when its rows are gone. */
function withoutRows(snapshot: Snapshot): Snapshot {
  const none = { rows: new Uint8Array(0), stride: 0, scales: new Float32Array(0), units: new Float32Array(0) }
  return { ...snapshot, ...none, rowType: 'none' }
}

/** A geometric index, with the probes at which it labels queries well. */
async function labelIndex(
  build: Build,
  { centres, leafOf }: Partition,
  withheld: readonly Labelled[],
): Promise<GeometricIndex> {
  const { dim, metric } = build.input.points
  const router = geometricRouter(centres, build.shape, dim, metric)
  const probes = await probesFor(build, { router, holders: singleHolders(leafOf) }, withheld, LABEL_RECALL)
  return { router: blockRouterOf(router, dim), leafOf, probes }
}

function judgeOf(build: Build): Labelled[] | undefined {
  const { study, points } = build.input
  const judge = study?.judge
  if (judge === undefined) return undefined
  const places = positionsOf(build.order)
  const neighbours = shareU32(judge.neighbours.map((row) => places[row]!))
  const queries = { matrix: shareF32(judge.queries) }
  return [{ queries, count: judge.queries.length / points.dim, k: judge.k, neighbours }]
}

/** A tree with its leaves settled. */
interface GrownTree {
  readonly state: TreeState
  readonly rounds: readonly RoundReport[]
  /** The router trained on with the copies in place: it moves no row, so that coding need not wait for it. */
  readonly retrained: Promise<TreeState> | undefined
}

/**
 * Train one tree's router, in turns with tree updates, then with copies.
 * @param found - is emptied when it was the last tree.
 * @param last - nothing more is learned from what was found, and the training with copies may go on beside other work.
 */
async function growTree(
  build: Build,
  geometry: Partition,
  { found, jury, tree, seed, last }: { found: Labelled[]; jury: Jury; tree: number; seed: number; last: boolean },
): Promise<GrownTree> {
  const { input } = build
  const { points, options } = input
  const random = options.start === 'random'
  const leafOf = random ? randomLeaves(points.size, build.shape.leafCount, seed) : geometry.leafOf
  if (input.study?.flat === true) {
    const router = geometricRouter(geometry.centres, build.shape, points.dim, points.metric)
    const state = { router, weights: {}, holders: singleHolders(leafOf) }
    return { state, rounds: [], retrained: undefined }
  }
  const most = options.router === 'seq2seq' ? PUBLISHED_QUERIES : trainingQueries(points.dim)
  const lessons = chooseLessons(build, found, most, seed)
  const done = (): void => dropLessons(build, lessons)
  const training: Training = {
    lessons,
    holders: singleHolders(leafOf),
    start: geometricRouter(geometry.centres, build.shape, points.dim, points.metric),
    effort: 1,
    seed,
  }
  await restThreads(build)
  const first = await trainRouter(build, training)
  // Copies take room for a while, and what trains is ready again in a second.
  const ends = points.size >= ENDED_ROWS
  if (ends) await build.endTraining()
  const { state, rounds } = await alternate(build, first, training, jury, tree)
  if (ends) await build.endTraining()
  const copies = input.entryCount > points.size
  const cost = copies ? await rowCosts(build, state, found) : undefined
  if (last) found.length = 0
  await restThreads(build)
  if (cost === undefined) {
    done()
    return { state, rounds, retrained: undefined }
  }
  const holders = await addCopies(build, state, geometry, cost)
  build.prepareTraining()
  await restThreads(build)
  const aside = last && build.pool.threads > 1
  const again: Training = { ...training, holders, before: state, effort: COPIES_EFFORT, seed: seed + 500, aside }
  const retrained = trainRouter(build, again).finally(done)
  // Their leaves are labels by now.
  build.workspace.give(lessons.neighbours)
  // Who waits for it later hears of its failure then.
  retrained.catch(() => undefined)
  if (!aside) await retrained
  return { state: { ...state, holders }, rounds, retrained }
}

/** Copies alone help; training on them may not, so the router that ranks them better stays. */
async function betterRouter(
  build: Build,
  plain: TreeState,
  retrained: TreeState | undefined,
  sets: readonly Labelled[],
): Promise<TreeState> {
  if (retrained === undefined) return plain
  const trained = { ...retrained, holders: plain.holders }
  const [before, after] = [await scoreTrees(build, [plain], sets), await scoreTrees(build, [trained], sets)]
  return after[1]! <= before[1]! ? trained : plain
}

/**
 * Move the rows into the leaf order of the first tree, and write order, leaves and entries.
 * @returns the index as it lies now, and the new position of each row by its position until now.
 */
async function pack(build: Build, states: readonly TreeState[]): Promise<{ view: Snapshot; place: Uint32Array }> {
  const { input, shape } = build
  const { workspace } = build
  const { size, memory } = input.points
  const primary = states[0]!.holders
  const leafOf = workspace.u32(size)
  for (let row = 0; row < size; row++) leafOf[row] = primary.leaves[primary.offsets[row]!]!
  const place = build.order.slice()
  workspace.give(await settleRows(build, leafOf))
  const numbers = positionsOf(build.order)
  for (let row = 0; row < size; row++) place[row] = numbers[place[row]!]!
  const region = new Uint8Array(memory.buffer, input.address, input.layout.length)
  const nothing = { rungs: [], rotated: false, termUnit: 0, trainer: build.trainer }
  const header = { ...input.plan, ...nothing, seed: input.options.seed }
  const view = liveViews(memory, mapSnapshot(region, header, input.layout))
  view.order.set(build.order)
  for (const [t, { holders }] of states.entries()) {
    const { leafOffsets } = view.tree[t]!
    for (const leaf of holders.leaves) leafOffsets[leaf + 1]!++
    for (let leaf = 0; leaf < shape.leafCount; leaf++) leafOffsets[leaf + 1]! += leafOffsets[leaf]!
    const entries = workspace.u32(input.entryCount)
    const next = leafOffsets.slice()
    for (let row = 0; row < size; row++) {
      for (let j = holders.offsets[row]!; j < holders.offsets[row + 1]!; j++)
        entries[next[holders.leaves[j]!]!++] = place[row]!
    }
    // Ascending positions: a leaf's own rows lie together, and its copies are met in the order of memory.
    const records = new LeafWriter(view.tree[t]!, view)
    for (let leaf = 0; leaf < shape.leafCount; leaf++)
      records.setPositions(leaf, entries.subarray(leafOffsets[leaf]!, leafOffsets[leaf + 1]!).sort())
    workspace.give(entries)
  }
  return { view, place }
}

/** Holders by the rows' new positions. */
function movedHolders({ offsets, leaves }: Holders, place: Uint32Array): Holders {
  const moved = sharedU32(offsets.length)
  for (let row = 0; row < place.length; row++) moved[place[row]! + 1] = offsets[row + 1]! - offsets[row]!
  for (let row = 0; row < place.length; row++) moved[row + 1]! += moved[row]!
  const movedLeaves = sharedU32(leaves.length)
  for (let row = 0; row < place.length; row++) {
    movedLeaves.set(leaves.subarray(offsets[row]!, offsets[row + 1]!), moved[place[row]!]!)
  }
  return { offsets: moved, leaves: movedLeaves }
}

/** The same queries and neighbours by the rows' new positions. */
function movedQueries(set: Labelled, place: Uint32Array): Labelled {
  const move = (positions: Uint32Array): Uint32Array =>
    shareU32(positions.map((position) => place[position] ?? position))
  const { positions } = set.queries
  return {
    ...set,
    queries: positions === undefined ? set.queries : { positions: move(positions) },
    neighbours: move(set.neighbours),
  }
}
