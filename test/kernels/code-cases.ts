import type { Arena } from '../../build/kernels/memory.js'

/** Behind what a kernel may write. */
export const GUARD = 16

/** Room for that many bytes, and a look at whether more was written. */
export function room(arena: Arena, bytes: number): { address: number; untouched: () => boolean } {
  const address = arena.allocate(bytes + GUARD)
  arena.u8(address, bytes + GUARD).fill(77)
  return { address, untouched: () => arena.u8(address + bytes, GUARD).every((byte) => byte === 77) }
}

/** Leaves that begin and end within blocks, at their edges, and empty ones. */
export const LEAF_SIZES = [5, 0, 11, 16, 1, 30, 0, 0, 3, 33, 64, 7, 2]
export const OFFSETS = LEAF_SIZES.reduce((offsets, size) => [...offsets, offsets.at(-1)! + size], [0])
export const ENTRIES = OFFSETS.at(-1)!
export const VISITS = [[0], [1], [3], [10, 3, 0], [12, 5, 1, 9, 4, 8], [...LEAF_SIZES.keys()], [6, 7], []]
