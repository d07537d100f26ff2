import { groupItems } from '../base/groups.js'
import { BatchSearcher } from '../search/batch-searcher.js'
import type { Tasks } from './messages.js'
import { searcherOf } from './searchers.js'

type Batch = Tasks['search']['input']

/** Queries that a thread claims at a time: few enough that all threads end at about the same time. */
const CLAIM = 16

/** Places in the counts of a batch. */
const TO_PLACE = 0
const PLACED = 1
const TO_SEARCH = 2
const ORDERED = 3

/** Longest that a thread sleeps without a look whether anybody waits for the answers, in milliseconds. */
const LOOK_MS = 20

/** The queries of a batch that this thread claims. */
function* claims({ total, counts, cancelled }: Batch, counted: number): Generator<number> {
  for (;;) {
    const first = Atomics.add(counts, counted, CLAIM)
    if (first >= total) return
    for (let at = first; at < Math.min(first + CLAIM, total); at++) {
      if (Atomics.load(cancelled, 0) !== 0) return
      yield at
    }
  }
}

/**
 * Queries that begin at the same node below the root follow one another, since the leaves that they visit, and the rows in
 * them, lie near each other in memory. Whichever thread finds the last node puts all queries in order; the others wait.
 */
function putInOrder(batch: Batch, searcher: BatchSearcher, { nodes, items }: NonNullable<Batch['order']>): void {
  const { index, queries, total, counts, cancelled } = batch
  const { dim, shape } = index.snapshot
  let own = 0
  for (const i of claims(batch, TO_PLACE)) {
    nodes[i] = searcher.firstNode(queries.subarray(i * dim, (i + 1) * dim))
    own++
  }
  const placed = Atomics.add(counts, PLACED, own) + own
  if (own > 0 && placed === total) {
    items.set(groupItems(nodes, shape.nodeCounts[0]!).items)
    Atomics.store(counts, ORDERED, 1)
    Atomics.notify(counts, ORDERED)
  }
  while (Atomics.load(counts, ORDERED) === 0 && Atomics.load(cancelled, 0) === 0) {
    Atomics.wait(counts, ORDERED, 0, LOOK_MS)
  }
}

export function search(batch: Batch): undefined {
  const { index, queries, order, k, effort, outIds, outDistances } = batch
  const searcher = searcherOf(BatchSearcher, index)
  const { dim } = index.snapshot
  if (order) putInOrder(batch, searcher, order)
  for (const at of claims(batch, TO_SEARCH)) {
    const i = order?.items[at] ?? at
    searcher.search(queries.subarray(i * dim, (i + 1) * dim), k, effort, outIds, outDistances, i * k)
  }
  return undefined
}
