import { BLOCK } from '../codes/shape.js'
import { LeafWriter } from '../codes/leaf-writer.js'
import type { Searcher } from '../search/searcher.js'
import type { SearchEffort } from '../tree/snapshot.js'
import { arenaOf, queryAt } from './context.js'
import type { Tasks } from './messages.js'
import { NO_ROW } from './near-tasks.js'
import { searcherOf } from './search-tasks.js'

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

/**
 * How far down the order of codes a setting must go for each of some rows: entries that score at least as well as the best
 * entry of the row among the leaves that `effort` visits, `NOT_MET` where none of them holds it.
 */
function entryRanks(
  { index, holders }: Pick<Tasks['codeRanks']['input'], 'index' | 'holders'>,
  searcher: Searcher,
  query: ArrayLike<number>,
  effort: SearchEffort,
  rows: Uint32Array,
  out: Uint32Array,
): void {
  const { memory, key, snapshot } = index
  const arena = arenaOf(memory, key)
  out.fill(NOT_MET)
  searcher.scanTrees(query, effort, (t, visited, { scores }) => {
    // Made for each scan: a memory that grew may have new views.
    const records = new LeafWriter(snapshot.tree[t]!, snapshot)
    const all = arena.i16(scores.address, scores.count)
    const starts = new Map<number, number>()
    let place = 0
    for (const leaf of visited) {
      starts.set(leaf, place)
      place += Math.ceil(records.size(leaf) / BLOCK) * BLOCK
    }
    const { leaves, offsets } = holders[t]!
    for (const [i, position] of rows.entries()) {
      if (position === NO_ROW) continue
      for (const leaf of leaves.subarray(offsets[position]!, offsets[position + 1]!)) {
        const start = starts.get(leaf)
        if (start === undefined) continue
        const score = all[start + records.entryOf(leaf, position)]!
        out[i] = Math.min(out[i]!, arena.kernels.countScores(scores.address, scores.count, score))
      }
    }
  })
}

export function codeRanks(input: Tasks['codeRanks']['input']): undefined {
  const { index, points, settings, queries, total, neighbours, known, k, out, first, count } = input
  const searcher = searcherOf(index)
  const rowsKept = index.snapshot.rowType !== 'none'
  const numbers = rowsKept ? new Uint32Array(0) : new Uint32Array(k + 1)
  const distances = new Float32Array(numbers.length)
  for (let i = first; i < first + count; i++) {
    const query = queryAt(queries, points, i)
    const rows = neighbours.subarray(i * known, i * known + k)
    for (const [s, effort] of settings.entries()) {
      const at = (s * total + i) * k
      const own = out.subarray(at, at + k)
      if (rowsKept) entryRanks(input, searcher, query, effort, rows, own)
      else {
        const found = searcher.search(query, Math.min(k + 1, points.size), effort, numbers, distances)
        answerRanks(numbers.subarray(0, found), index.snapshot.order, rows, queries.positions?.[i], own)
      }
    }
  }
  return undefined
}
