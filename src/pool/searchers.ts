import type { Arena } from '../kernels/memory.js'
import type { Searcher } from '../search/searcher.js'
import type { Snapshot } from '../tree/snapshot.js'
import { arenaOf } from './arenas.js'
import type { SharedIndex } from './messages.js'

type SearcherType<T extends Searcher> = new (arena: Arena, snapshot: Snapshot) => T

/** What this thread searches indexes with, by memory and type. */
const kept = new Map<number, Map<SearcherType<Searcher>, Searcher>>()

/** This thread's searcher of an index: made once, since every message brings new objects for the same memory. */
export function searcherOf<T extends Searcher>(type: SearcherType<T>, { memory, key, snapshot }: SharedIndex): T {
  let own = kept.get(key)
  if (own === undefined) kept.set(key, (own = new Map()))
  let searcher = own.get(type)
  if (searcher === undefined) own.set(type, (searcher = new type(arenaOf(memory, key), snapshot)))
  return searcher as T
}

/** Forget the searchers of a memory, and give back what they hold there. */
export function dropSearchers(key: number): void {
  for (const searcher of kept.get(key)?.values() ?? []) searcher.close()
  kept.delete(key)
}
