import { NOT_MET } from '../search/searcher.js'
import { queryAt } from './context.js'
import type { Tasks } from './messages.js'
import { NO_ROW } from './near-tasks.js'
import { searcherOf } from './search-tasks.js'

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

const NO_LEAVES = new Uint32Array(0)

export function codeRanks(input: Tasks['codeRanks']['input']): undefined {
  const { index, points, settings, queries, total, neighbours, known, k, holders, out, first, count } = input
  const searcher = searcherOf(index)
  const leavesOf = (tree: number, position: number): Uint32Array => {
    const { leaves, offsets } = holders[tree]!
    if (position === NO_ROW) return NO_LEAVES
    return leaves.subarray(offsets[position]!, offsets[position + 1]!)
  }
  const rowsKept = index.snapshot.rowType !== 'none'
  const numbers = rowsKept ? new Uint32Array(0) : new Uint32Array(k + 1)
  const distances = new Float32Array(numbers.length)
  for (let i = first; i < first + count; i++) {
    const query = queryAt(queries, points, i)
    const rows = neighbours.subarray(i * known, i * known + k)
    for (const [s, effort] of settings.entries()) {
      const at = (s * total + i) * k
      if (rowsKept) searcher.codeRanks(query, effort, rows, leavesOf, out, at)
      else {
        const found = searcher.search(query, Math.min(k + 1, points.size), effort, numbers, distances)
        const own = queries.positions?.[i]
        answerRanks(numbers.subarray(0, found), index.snapshot.order, rows, own, out.subarray(at, at + k))
      }
    }
  }
  return undefined
}
