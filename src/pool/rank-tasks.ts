import { BLOCK } from '../codes/shape.js'
import { ScoreCounts } from '../eval/score-counts.js'
import type { Arena } from '../kernels/memory.js'
import { LeafWriter } from '../codes/leaf-writer.js'
import { NO_ROW } from '../partition/points.js'
import { BatchSearcher } from '../search/batch-searcher.js'
import { TreeScan } from '../search/tree-scan.js'
import { arenaOf, queryAt } from './context.js'
import type { Tasks } from './messages.js'
import { searcherOf } from './searchers.js'

/** A row that is not among what a search looks at. */
const NOT_MET = 0xffff_ffff

/**
 * Where some rows stand among the answers of a search, from 1 on, `NOT_MET` where they do not. A row that asks is none of its
 * own answers.
 */
function answerRanks(
  answers: Uint32Array,
  order: Uint32Array,
  rows: Uint32Array,
  own: number | undefined,
  out: Uint32Array,
): void {
  const self = own === undefined ? -1 : answers.indexOf(order[own]!)
  rows.forEach((position, j) => {
    const place = position === NO_ROW ? -1 : answers.indexOf(order[position]!)
    out[j] = place < 0 ? NOT_MET : self >= 0 && self < place ? place : place + 1
  })
}

/** Entries of one row among those scanned: the visit that meets each, and its score. */
interface Met {
  readonly visit: number
  readonly score: number
}

/**
 * How far down the order of codes settings must go for rows: entries that score at least as well as the best entry of the
 * row among the leaves that a setting visits, `NOT_MET` where none of them holds it. All settings keep the same beam, and each
 * visits the leaves of those before it and more, so the most are scanned once, best leaf first, and each setting's entries come
 * before the rest.
 */
class EntryRanker {
  readonly #input: Tasks['codeRanks']['input']
  readonly #arena: Arena
  readonly #searcher: TreeScan
  /** Of each leaf the number of its visit, -1 between queries. */
  readonly #visitOf: Int32Array
  /** Of each visit the place where its scores begin, and of the last where they end. */
  readonly #starts: Uint32Array
  readonly #sort: number
  /** Leaves that each setting visits of the tree at hand. */
  readonly #visits: Uint32Array
  /** The least scores of what a setting visits, where they are asked for. */
  readonly #counts: ScoreCounts | undefined

  constructor(input: Tasks['codeRanks']['input']) {
    const { memory, key, snapshot } = input.index
    const { leafCount } = snapshot.shape
    this.#input = input
    this.#arena = arenaOf(memory, key)
    this.#searcher = searcherOf(TreeScan, input.index)
    this.#visitOf = new Int32Array(leafCount).fill(-1)
    this.#starts = new Uint32Array(leafCount + 1)
    this.#sort = this.#arena.allocate(this.#arena.kernels.sortBytes(leafCount))
    this.#visits = new Uint32Array(input.settings.length)
    this.#counts = input.scores && new ScoreCounts(input.scores.ranks)
  }

  close(): void {
    this.#arena.free(this.#sort)
  }

  /** Rank the rows that query `i` looks for; of several trees the least rank is a row's. */
  rank(i: number, query: ArrayLike<number>, rows: Uint32Array): void {
    const { index, settings, holders, visited, total } = this.#input
    const arena = this.#arena
    const arrange = (leaves: number, scores: number, count: number): void => {
      arena.kernels.sortBest(leaves, scores, count, this.#sort)
      this.#countVisits(scores, count)
      this.#visits.forEach((leaves, setting) => (visited[setting * total + i]! += leaves))
    }
    this.#searcher.scanTrees(query, settings.at(-1)!, arrange, (t, visited, { scores, scale }) => {
      // Made for each scan: a memory that grew may have new views.
      const records = new LeafWriter(index.snapshot.tree[t]!, index.snapshot)
      const all = arena.i16(scores.address, scores.count)
      this.#enter(visited, records)
      for (const [j, position] of rows.entries()) {
        if (position === NO_ROW) continue
        const { leaves, offsets } = holders[t]!
        const met: Met[] = []
        for (const leaf of leaves.subarray(offsets[position]!, offsets[position + 1]!)) {
          const visit = this.#visitOf[leaf]!
          if (visit >= 0) met.push({ visit, score: all[this.#starts[visit]! + records.entryOf(leaf, position)]! })
        }
        if (met.length > 0) this.#count(met, scores.address, i, j)
      }
      this.#order(i, all, scale)
      for (const leaf of visited) this.#visitOf[leaf] = -1
    })
  }

  /** Leaves that each setting visits: it keeps some of what the next one keeps. */
  #countVisits(scores: number, count: number): void {
    let near = count
    for (let s = this.#visits.length - 1; s >= 0; s--) {
      const { probes, leafReach } = this.#input.settings[s]!
      // The sort is done with its scratch.
      if (leafReach) near = this.#arena.kernels.keepNear(this.#sort, scores, near, leafReach)
      this.#visits[s] = Math.min(probes, near)
    }
  }

  #enter(visited: Uint32Array, records: LeafWriter): void {
    let place = 0
    visited.forEach((leaf, visit) => {
      this.#visitOf[leaf] = visit
      this.#starts[visit] = place
      place += Math.ceil(records.size(leaf) / BLOCK) * BLOCK
    })
    this.#starts[visited.length] = place
  }

  /** Count setting by setting: what is new in each, or all of it anew where a better entry of the row is met. */
  #count(met: readonly Met[], scores: number, i: number, j: number): void {
    const { kernels } = this.#arena
    const { out, scores: kept } = this.#input
    let best = Infinity
    let rank = 0
    let counted = 0
    for (let setting = 0; setting < this.#visits.length; setting++) {
      const visits = this.#visits[setting]!
      let own = Infinity
      for (const { visit, score } of met) if (visit < visits && score < own) own = score
      if (own === Infinity) continue
      if (own < best) {
        best = own
        rank = counted = 0
      }
      const end = this.#starts[visits]!
      rank += kernels.countScores(scores + counted * 2, end - counted, best)
      counted = end
      const at = placeOf(this.#input, setting, i) + j
      out[at] = Math.min(out[at]!, rank)
      if (kept !== undefined) kept.own[at] = best
    }
  }

  /** The least scores of what each setting visits. */
  #order(i: number, all: Int16Array, scale: number): void {
    const { scores, total } = this.#input
    const counts = this.#counts
    if (scores === undefined || counts === undefined) return
    const { ranks, least, scales } = scores
    scales[i] = scale
    counts.clear()
    let counted = 0
    this.#visits.forEach((visits, setting) => {
      const end = this.#starts[visits]!
      counts.add(all.subarray(counted, end))
      counted = end
      const at = (setting * total + i) * ranks.length
      counts.read(least.subarray(at, at + ranks.length))
    })
  }
}

/** Where the rows that a query looks for stand in the tables of a setting. */
function placeOf({ total, k }: Tasks['codeRanks']['input'], setting: number, query: number): number {
  return (setting * total + query) * k
}

function rowsOf({ neighbours, known, k }: Tasks['codeRanks']['input'], query: number): Uint32Array {
  return neighbours.subarray(query * known, query * known + k)
}

export function codeRanks(input: Tasks['codeRanks']['input']): undefined {
  const { index, points, settings, queries, total, out, visited, first, count } = input
  for (let s = 0; s < settings.length; s++) {
    out.fill(NOT_MET, placeOf(input, s, first), placeOf(input, s, first + count))
    visited.fill(0, s * total + first, s * total + first + count)
  }
  if (index.snapshot.rowType === 'none') return answersOf(input)
  const ranker = new EntryRanker(input)
  const room = new Float32Array(points.dim)
  try {
    for (let i = first; i < first + count; i++) ranker.rank(i, queryAt(queries, points, i, room), rowsOf(input, i))
  } finally {
    ranker.close()
  }
  return undefined
}

/** Without rows: where each row stands among the answers. */
function answersOf(input: Tasks['codeRanks']['input']): undefined {
  const { index, points, settings, queries, total, k, out, visited, first, count } = input
  const searcher = searcherOf(BatchSearcher, index)
  const { shape, entryCount } = index.snapshot
  const numbers = new Uint32Array(k + 1)
  const distances = new Float32Array(k + 1)
  for (let i = first; i < first + count; i++) {
    const query = queryAt(queries, points, i)
    for (const [s, effort] of settings.entries()) {
      const found = searcher.search(query, Math.min(k + 1, points.size), effort, numbers, distances)
      visited[s * total + i] = Math.round((searcher.candidates * shape.leafCount) / entryCount)
      const own = out.subarray(placeOf(input, s, i), placeOf(input, s, i) + k)
      answerRanks(numbers.subarray(0, found), index.snapshot.order, rowsOf(input, i), queries.positions?.[i], own)
    }
  }
  return undefined
}

export function gaps({
  index,
  points,
  depth,
  places,
  queries,
  total,
  out,
  first,
  count,
}: Tasks['gaps']['input']): undefined {
  const { memory, key, snapshot } = index
  const arena = arenaOf(memory, key)
  const searcher = searcherOf(TreeScan, index)
  const { nodeCounts, arities } = snapshot.shape
  const all = nodeCounts[depth - 1]!
  const effort = { probes: Math.max(...places) + 1, beamWidth: all }
  const room = new Float32Array(points.dim)
  for (let i = first; i < first + count; i++) {
    places.forEach((_, p) => (out[p * total + i] = 0))
    searcher.routeTrees(
      queryAt(queries, points, i, room),
      effort,
      (_, model, found) => {
        const scores = arena.f32(model.leafScores, found).slice().sort()
        places.forEach((place, p) => {
          out[p * total + i]! += (scores[found - 1]! - scores[found - 1 - place]!) / snapshot.trees
        })
      },
      arities.slice(0, depth),
    )
  }
  return undefined
}
