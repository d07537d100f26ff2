import { Arena } from '../kernels/memory.js'

let local: Arena | undefined
const arenas = new Map<number, Arena>()
/** Memories whose arenas belong to someone else on this thread. */
const lent = new Set<number>()

/** This thread's own arena: tables, blocks of points and scratch that no index keeps. */
export function localArena(): Arena {
  local ??= Arena.create()
  return local
}

/** The arena of a memory that another thread made; one per memory and thread. */
export function arenaOf(memory: WebAssembly.Memory, key: number): Arena {
  let arena = arenas.get(key)
  if (arena === undefined) arenas.set(key, (arena = Arena.attach(memory)))
  return arena
}

/** Let tasks on this thread allocate in the arena that is here already. */
export function lendArena(key: number, arena: Arena): void {
  arenas.set(key, arena)
  lent.add(key)
}

/** Forget the memories of a build's steps, whose keys are negative, and this thread's own: later steps have them anew. */
export function dropWork(): void {
  for (const key of [...arenas.keys()]) if (key < 0) arenas.delete(key)
  local = undefined
}

/** Forget a lent memory, and all that tasks on this thread keep only to have it ready for the next. */
export function dropArena(key: number): void {
  lent.delete(key)
  for (const one of [...arenas.keys()]) if (!lent.has(one)) arenas.delete(one)
  local = undefined
}
