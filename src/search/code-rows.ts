import type { Arena } from '../kernels/memory.js'
import { MOST_COPIES, type SnapshotHeader } from '../tree/snapshot.js'

/**
 * Rows that a search found by code, with their distances, for an index that keeps no rows: of all trees, in a scratch that
 * grows with what is asked and is kept.
 */
export class CodeRows {
  readonly #arena: Arena
  #room = 0
  /** What `placeScores` fills and `offerRows` reads. */
  scratch = 0
  /** Rows in the scratch. */
  count = 0

  constructor(arena: Arena) {
    this.#arena = arena
  }

  /** Entries of a tree that hold the `k` best rows by code, whichever rows have copies. */
  static wanted({ entryCount, size }: SnapshotHeader, k: number): number {
    return Math.min(entryCount, entryCount > size ? MOST_COPIES * k : k)
  }

  /** Give the scratch back. */
  close(): void {
    if (this.#room > 0) this.#arena.free(this.scratch)
    this.#room = 0
  }

  /** Begin a search that selects `wanted` entries of each of some trees. */
  begin(trees: number, wanted: number): void {
    this.count = 0
    const rows = trees * wanted
    if (rows <= this.#room) return
    this.close()
    // Room for half as much again: settings that differ a little do not each take their own.
    const room = Math.ceil(rows * 1.5)
    this.scratch = this.#arena.allocate(this.#arena.kernels.positionBytes(room) >>> 0)
    this.#room = room
  }

  /** Offer the rows to a heap, each once. */
  offer(order: number, heap: number): void {
    this.#arena.kernels.offerRows(this.scratch, this.count, order, heap)
  }
}
