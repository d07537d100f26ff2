import { Searcher } from '../search/searcher.js'
import { arenaOf, queryAt } from './context.js'
import type { SharedIndex, Tasks } from './messages.js'

type Input<K extends keyof Tasks> = Tasks[K]['input']

const searchers = new Map<number, Searcher>()

/** This thread's searcher of an index: made once, since every message brings new objects for the same memory. */
function searcherOf({ memory, key, snapshot }: SharedIndex): Searcher {
  let searcher = searchers.get(key)
  if (searcher === undefined) searchers.set(key, (searcher = new Searcher(arenaOf(memory, key), snapshot)))
  return searcher
}

export function search(input: Input<'search'>): undefined {
  const { index, queries, k, effort, cancelled, outIds, outDistances, first, count } = input
  const searcher = searcherOf(index)
  const { dim } = index.snapshot
  for (let i = first; i < first + count; i++) {
    if (Atomics.load(cancelled, 0) !== 0) return undefined
    searcher.search(queries.subarray(i * dim, (i + 1) * dim), k, effort, outIds, outDistances, i * k)
  }
  return undefined
}

export function codeRanks(input: Input<'codeRanks'>): undefined {
  const { index, points, settings, queries, total, neighbours, known, k, holders, out, first, count } = input
  const searcher = searcherOf(index)
  const leavesOf = (tree: number, position: number): Uint32Array => {
    const { leaves, offsets } = holders[tree]!
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
