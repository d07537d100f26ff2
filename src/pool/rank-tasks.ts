import { queryAt } from './context.js'
import type { Tasks } from './messages.js'
import { NO_ROW } from './near-tasks.js'
import { searcherOf } from './search-tasks.js'

const NO_LEAVES = new Uint32Array(0)

export function codeRanks(input: Tasks['codeRanks']['input']): undefined {
  const { index, points, settings, queries, total, neighbours, known, k, holders, out, first, count } = input
  const searcher = searcherOf(index)
  const leavesOf = (tree: number, position: number): Uint32Array => {
    const { leaves, offsets } = holders[tree]!
    if (position === NO_ROW) return NO_LEAVES
    return leaves.subarray(offsets[position]!, offsets[position + 1]!)
  }
  for (let i = first; i < first + count; i++) {
    const query = queryAt(queries, points, i)
    const rows = neighbours.subarray(i * known, i * known + k)
    for (const [s, effort] of settings.entries()) {
      searcher.codeRanks(query, effort, rows, leavesOf, out, (s * total + i) * k)
    }
  }
  return undefined
}
