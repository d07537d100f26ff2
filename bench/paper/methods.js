// @ts-check
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exactSearch } from '../../build/index.js'
import { buildIndex } from '../../build/builder/build.js'
import { loadBuildKernels } from '../../build/kernels/load-build.js'
import { Arena } from '../../build/kernels/memory.js'
import { Searcher } from '../../build/search/searcher.js'
import { CACHE } from '../harness/data.js'
import { virtualEnvironment } from '../harness/install.js'
import { pointAt } from '../recall/sweep.js'
import { LeafScanner } from './leaf-scanner.js'
import { invertedFile, kMeansTree, learnedPartition } from './routers.js'

const RECALLS = [0.9, 0.95, 0.99]
/** Neighbours in the graph, and units of the hidden layer, as in the paper of Neural LSH. */
const [GRAPH, HIDDEN] = [10, 512]
/** Queries searched before the clock runs. */
const WARM_UP = 200
/** Each number of probes is about this much larger than the one before. */
const RATIO = 1.1

/** @typedef {{ set: import('../harness/data.js').PreparedSet, judge: import('../harness/judge.js').Judge, arity: number, depth: number, rounds: number, trees: number, epochs: number, queries: number }} Study */
/** @typedef {{ probes: number, recall: number, candidatesPct: number, us: number }} Point */
/** What a method came to. @typedef {{ leaves: number, largestLeaf: number, seconds: number, bytesPerVector: number, points: Point[] }} Outcome */

/** Our index, as published or with its defaults, in a tree of the study's shape. @param {Study} study @param {'default' | 'published'} preset @returns {Promise<Outcome>} */
async function ours({ set, judge, arity, depth, rounds, trees, queries }, preset) {
  const shape = { dim: set.dim, type: set.type, metric: set.metric, arity, leafSize: set.size / arity ** depth }
  const options = preset === 'published' ? { ...shape, preset, rounds, trees } : shape
  const started = performance.now()
  const open = await buildIndex(judge.rows, options, availableParallelism())
  const seconds = (performance.now() - started) / 1000
  const { snapshot } = open
  const searcher = new Searcher(open.arena, snapshot)
  const ids = new Uint32Array(judge.k)
  const distances = new Float32Array(judge.k)
  const rungs = snapshot.rungs.filter(({ k }) => k === judge.k)
  const points = rungs.map((effort) =>
    measure(judge, queries, effort.probes, (query) => {
      searcher.search(query, judge.k, effort, ids, distances)
      return { candidates: searcher.candidates, ids }
    }),
  )
  searcher.close()
  return {
    leaves: snapshot.shape.leafCount,
    largestLeaf: Math.max(...snapshot.tree.map(({ leafOffsets }) => largest(leafOffsets))),
    seconds,
    bytesPerVector: open.layout.length / set.size,
    points,
  }
}

/**
 * A partition scanned leaf by leaf.
 * @param {Study} study
 * @param {(scanner: LeafScanner) => import('./leaf-scanner.js').Router | Promise<import('./leaf-scanner.js').Router>} build
 * @returns {Promise<Outcome>}
 */
async function partitioned({ set, judge, queries }, build) {
  await loadBuildKernels()
  const scanner = await LeafScanner.of(Arena.create(), set, judge.k)
  const started = performance.now()
  const router = await build(scanner)
  const seconds = (performance.now() - started) / 1000
  const leaves = scanner.offsets.length - 1
  const points = []
  for (let probes = 1; probes < leaves; probes = Math.max(probes + 1, Math.round(probes * RATIO))) {
    const point = measure(judge, queries, probes, (query) => scanner.search(query, router, probes))
    points.push(point)
    if (point.recall > 0.998) break
  }
  const bytesPerVector = (router.bytes + scanner.offsets.byteLength) / set.size + (scanner.width + 1) * 4
  return { leaves, largestLeaf: largest(scanner.offsets), seconds, bytesPerVector, points }
}

/** The largest leaf, in means. @param {Uint32Array} offsets */
function largest(offsets) {
  const count = offsets.length - 1
  let most = 0
  for (let leaf = 0; leaf < count; leaf++) most = Math.max(most, (offsets[leaf + 1] ?? 0) - (offsets[leaf] ?? 0))
  return (most * count) / (offsets[count] ?? 1)
}

/**
 * @param {import('../harness/judge.js').Judge} judge
 * @param {number} queries
 * @param {number} probes
 * @param {(query: Float32Array) => { candidates: number, ids: Uint32Array }} search
 * @returns {Point}
 */
function measure(judge, queries, probes, search) {
  const { set, k } = judge
  const query = (/** @type {number} */ i) => judge.queries.subarray(i * set.dim, (i + 1) * set.dim)
  for (let i = 0; i < Math.min(WARM_UP, queries); i++) search(query(i))
  const answers = new Int32Array(queries * k).fill(-1)
  let candidates = 0
  let us = 0
  for (let i = 0; i < queries; i++) {
    const start = performance.now()
    const found = search(query(i))
    us += (performance.now() - start) * 1000
    candidates += found.candidates
    answers.set(found.ids, i * k)
  }
  return {
    probes,
    recall: judge.recall(answers),
    candidatesPct: (100 * candidates) / (queries * set.size),
    us: us / queries,
  }
}

/** Neighbours of every row, itself left out, in a file. @param {Study} study @param {string} path */
async function neighbourGraph({ set, judge }, path) {
  if (existsSync(path)) return
  const { dim, type, metric, size } = set
  const { ids } = await exactSearch(judge.rows, judge.rows, { dim, type, metric, k: GRAPH + 1 })
  const others = new Uint32Array(size * GRAPH)
  for (let row = 0; row < size; row++) {
    const own = Array.from(/** @type {Uint32Array} */ (ids).subarray(row * (GRAPH + 1), (row + 1) * (GRAPH + 1)))
    others.set(own.filter((id) => id !== row).slice(0, GRAPH), row * GRAPH)
  }
  writeFileSync(path, others)
}

/** @param {Study} study @returns {Promise<Outcome>} */
async function neuralLsh(study) {
  const { set, arity, depth, epochs } = study
  const leaves = arity ** depth
  const { python } = await virtualEnvironment(['kahip==3.25', 'numpy'])
  const folder = join(CACHE, 'paper', `${set.id}-${leaves}-${epochs}`)
  mkdirSync(folder, { recursive: true })
  const neighbours = join(folder, 'neighbours.u32')
  await neighbourGraph(study, neighbours)
  const script = fileURLToPath(new URL('neural_lsh.py', import.meta.url))
  return partitioned(study, (scanner) => {
    const job = { floats: set.floats, neighbours, leaves, folder, seed: 1, hidden: HIDDEN, epochs }
    execFileSync(python, [script, JSON.stringify(job)], { stdio: ['ignore', 'ignore', 'pipe'] })
    return learnedPartition(scanner, folder, leaves, HIDDEN)
  })
}

/** The methods that have leaves, by name. @type {Record<string, (study: Study) => Promise<Outcome>>} */
export const METHODS = {
  'BATL as published': (study) => ours(study, 'published'),
  'BATL, default': (study) => ours(study, 'default'),
  'IVF (flat k-means)': (study) => partitioned(study, (scanner) => invertedFile(scanner, study.arity ** study.depth)),
  'k-means tree': (study) => partitioned(study, (scanner) => kMeansTree(scanner, study.arity, study.depth)),
  'Neural LSH (KaHIP, one hidden layer)': neuralLsh,
}

/** What a method takes at each recall, between the points on its sides. @param {Point[]} points */
export function reachedBy(points) {
  const curve = points.slice().sort((a, b) => a.recall - b.recall)
  const of = (/** @type {'probes' | 'candidatesPct' | 'us'} */ what, /** @type {number} */ recall) =>
    pointAt(
      curve.map((point) => ({ recall: point.recall, time: point[what] })),
      recall,
    )?.time
  return RECALLS.map((recall) => {
    const values = { candidatesPct: of('candidatesPct', recall), probes: of('probes', recall), us: of('us', recall) }
    return { recall, ...values }
  })
}
