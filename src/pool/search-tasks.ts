import { Searcher } from '../search/searcher.js'
import { arenaOf } from './arenas.js'
import type { BatchPart, SharedIndex, Tasks } from './messages.js'

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

/** The places of a part, as this thread claims them. */
function* claims({ count, claim, claimed, cancelled }: BatchPart): Generator<number> {
  for (;;) {
    const first = Atomics.add(claimed, 0, claim)
    if (first >= count) return
    for (let at = first; at < Math.min(first + claim, count); at++) {
      if (Atomics.load(cancelled, 0) !== 0) return
      yield at
    }
  }
}

export function firstNodes(input: Input<'firstNodes'>): undefined {
  const { index, queries, first, out } = input
  const searcher = searcherOf(index)
  const { dim } = index.snapshot
  for (const at of claims(input))
    out[at] = searcher.firstNode(queries.subarray((first + at) * dim, (first + at + 1) * dim))
  return undefined
}

export function search(input: Input<'search'>): undefined {
  const { index, queries, first, order, k, effort, outIds, outDistances } = input
  const searcher = searcherOf(index)
  const { dim } = index.snapshot
  for (const at of claims(input)) {
    const i = first + (order?.[at] ?? at)
    searcher.search(queries.subarray(i * dim, (i + 1) * dim), k, effort, outIds, outDistances, i * k)
  }
  return undefined
}
