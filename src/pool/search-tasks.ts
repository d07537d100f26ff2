import { groupItems } from '../base/groups.js'
import { BatchSearcher } from '../search/batch-searcher.js'
import { arenaOf } from './arenas.js'
import type { SharedBatch, SharedIndex, Tasks } from './messages.js'

type Input<K extends keyof Tasks> = Tasks[K]['input']

/** Queries that a thread claims at a time: few enough that all threads end at about the same time. */
const CLAIM = 16

const searchers = new Map<number, BatchSearcher>()

/** This thread's searcher of an index: made once, since every message brings new objects for the same memory. */
export function searcherOf({ memory, key, snapshot }: SharedIndex): BatchSearcher {
  let searcher = searchers.get(key)
  if (searcher === undefined) searchers.set(key, (searcher = new BatchSearcher(arenaOf(memory, key), snapshot)))
  return searcher
}

/** Forget the searcher of a memory, and give back what it holds there. */
export function dropSearcher(key: number): void {
  searchers.get(key)?.close()
  searchers.delete(key)
}

/** The queries of a batch that this thread claims. */
function* claims({ total, claimed, cancelled }: SharedBatch): Generator<number> {
  for (;;) {
    const first = Atomics.add(claimed, 0, CLAIM)
    if (first >= total) return
    for (let at = first; at < Math.min(first + CLAIM, total); at++) {
      if (Atomics.load(cancelled, 0) !== 0) return
      yield at
    }
  }
}

/**
 * Queries that begin at the same node below the root follow one another, since the leaves that they visit, and the rows in
 * them, lie near each other in memory. Whichever thread finds the last node puts all queries in order.
 */
export function order(input: Input<'order'>): undefined {
  const { index, queries, total, claimed, nodes, order } = input
  const searcher = searcherOf(index)
  const { dim, shape } = index.snapshot
  let own = 0
  for (const i of claims(input)) {
    nodes[i] = searcher.firstNode(queries.subarray(i * dim, (i + 1) * dim))
    own++
  }
  const found = Atomics.add(claimed, 1, own) + own
  if (own > 0 && found === total) order.set(groupItems(nodes, shape.nodeCounts[0]!).items)
  return undefined
}

export function search(input: Input<'search'>): undefined {
  const { index, queries, order, k, effort, outIds, outDistances } = input
  const searcher = searcherOf(index)
  const { dim } = index.snapshot
  for (const at of claims(input)) {
    const i = order?.[at] ?? at
    searcher.search(queries.subarray(i * dim, (i + 1) * dim), k, effort, outIds, outDistances, i * k)
  }
  return undefined
}
