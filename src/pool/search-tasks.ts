import { Searcher } from '../search/searcher.js'
import { arenaOf } from './arenas.js'
import type { SharedIndex, Tasks } from './messages.js'

type Input<K extends keyof Tasks> = Tasks[K]['input']

const searchers = new Map<number, Searcher>()

/** This thread's searcher of an index: made once, since every message brings new objects for the same memory. */
export function searcherOf({ memory, key, snapshot }: SharedIndex): Searcher {
  let searcher = searchers.get(key)
  if (searcher === undefined) searchers.set(key, (searcher = new Searcher(arenaOf(memory, key), snapshot)))
  return searcher
}

/** Forget the searcher of a memory, and give back what it holds there. */
export function dropSearcher(key: number): void {
  searchers.get(key)?.close()
  searchers.delete(key)
}

export function search(input: Input<'search'>): undefined {
  const { index, queries, k, effort, cancelled, outIds, outDistances, first, count } = input
  const searcher = searcherOf(index)
  const { dim } = index.snapshot
  for (const i of searcher.visitOrder(queries, first, count)) {
    if (Atomics.load(cancelled, 0) !== 0) return undefined
    searcher.search(queries.subarray(i * dim, (i + 1) * dim), k, effort, outIds, outDistances, i * k)
  }
  return undefined
}
