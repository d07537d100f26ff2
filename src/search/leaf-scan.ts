import { align64 } from '../base/align.js'
import { QueryCodes } from '../codes/query-codes.js'
import type { Arena } from '../kernels/memory.js'
import { entryBytes } from '../codes/leaves.js'
import { stepsOf, type Snapshot } from '../tree/snapshot.js'
import type { CodeRows } from './code-rows.js'

/** Leaves scanned by one kernel call: a few milliseconds at most. */
const LEAVES_A_CALL = 4096
/** Places that a leaf takes beyond its entries, at most: the rest of its last block. */
const LEAF_EXCESS = 15

/**
 * Scans the codes of leaves for the entries that a query is likely nearest to. The scratch grows with what is asked and is
 * kept, so that a steady stream of queries allocates nothing.
 * ```
 * | bases f32 [leaves] | bases i32 [leaves] | scores i16 [places] | chosen u32 | sort |
 * ```
 */
export class LeafScan {
  readonly #arena: Arena
  readonly #snapshot: Snapshot
  readonly #codes: QueryCodes
  readonly #entryBytes: number
  #scratch = 0
  #leafRoom = 0
  #placeRoom = 0
  #chosenRoom = 0
  #whole = 0
  #scores = 0
  #places = 0
  #chosen = 0
  #sort = 0
  /** The least base of the last scan: what scores leave out. */
  #leastBase = 0
  /** Address of the positions that the last `select` chose, u32, ascending. */
  get positions(): number {
    return this.#chosen
  }

  /** Score steps for a unit of distance. */
  get scale(): number {
    return this.#codes.scale
  }

  /** Scores of the last scan, i16, leaf after leaf, each in whole blocks of 16. */
  get scores(): { address: number; count: number } {
    return { address: this.#scores, count: this.#places }
  }

  /** @param scratch - address of `QueryCodes.scratchBytes` bytes. */
  constructor(arena: Arena, snapshot: Snapshot, scratch: number) {
    this.#arena = arena
    this.#snapshot = snapshot
    this.#codes = new QueryCodes(arena, snapshot, scratch)
    this.#entryBytes = entryBytes(snapshot)
  }

  /** Give the scratch back. */
  close(): void {
    if (this.#scratch > 0) this.#arena.free(this.#scratch)
    this.#scratch = 0
    this.#leafRoom = this.#placeRoom = this.#chosenRoom = 0
  }

  /** Take in a query: f32 as for routing. */
  load(query: number): void {
    this.#codes.load(query)
  }

  #reserve(leaves: number, places: number, chosen: number): void {
    if (leaves <= this.#leafRoom && places <= this.#placeRoom && chosen <= this.#chosenRoom) return
    this.close()
    const { kernels } = this.#arena
    // Room for half as much again: settings that differ a little do not each take their own.
    this.#leafRoom = Math.ceil(leaves * 1.5)
    this.#placeRoom = Math.ceil(places * 1.5)
    this.#chosenRoom = Math.ceil(chosen * 1.5)
    const parts = [
      this.#leafRoom * 4,
      this.#leafRoom * 4,
      this.#placeRoom * 2,
      this.#chosenRoom * 4,
      kernels.positionBytes(this.#chosenRoom) >>> 0,
    ].map(align64)
    this.#scratch = this.#arena.allocate(parts.reduce((sum, bytes) => sum + bytes, 0))
    this.#whole = this.#scratch + parts[0]!
    this.#scores = this.#whole + parts[1]!
    this.#chosen = this.#scores + parts[2]!
    this.#sort = this.#chosen + parts[3]!
  }

  /**
   * Score the entries of `count` leaves.
   * @param leaves - address of their numbers, u32.
   * @param wanted - how many entries `select` will be asked for.
   * @returns how many entries there are.
   */
  scan(tree: number, leaves: number, count: number, wanted: number): number {
    const { kernels } = this.#arena
    const view = this.#snapshot.tree[tree]!
    const entries = kernels.countEntries(leaves, count, view.leafOffsets.byteOffset)
    const places = entries + count * LEAF_EXCESS
    // All places where all are wanted: no entry is missed for those that hold none.
    this.#reserve(count, places, wanted < entries ? Math.min(places, 3 * wanted + 64) : places)
    // Only now: a memory that grew may have new views.
    const { leafOffsets, leaves: records } = view
    const { dim, codeBytes } = this.#snapshot
    const { integers, unit, weight, scale, factor, tables } = this.#codes
    kernels.touchLeaves(leaves, count, dim, records.byteOffset, leafOffsets.byteOffset, this.#entryBytes, this.#scratch)
    this.#leastBase = kernels.leafBases(
      integers,
      unit,
      dim,
      records.byteOffset,
      leafOffsets.byteOffset,
      this.#entryBytes,
      weight,
      leaves,
      count,
      scale,
      this.#scratch,
      this.#whole,
    )
    this.#places = 0
    for (let first = 0; first < count; first += LEAVES_A_CALL) {
      this.#places += kernels.scanCodes(
        leaves + first * 4,
        Math.min(LEAVES_A_CALL, count - first),
        dim,
        records.byteOffset,
        leafOffsets.byteOffset,
        codeBytes,
        this.#entryBytes,
        factor,
        tables,
        this.#whole + first * 4,
        this.#scores + this.#places * 2,
      )
    }
    return entries
  }

  /** Choose the places of the best entries of the last scan. */
  #choose(entries: number, wanted: number, near = 0, reach = 0): number {
    const places = this.#places
    const most = wanted < entries ? wanted : places
    const { kernels } = this.#arena
    const steps = stepsOf(reach, this.#codes.scale)
    return kernels.selectScores(this.#scores, places, most, near, steps, this.#chosenRoom, this.#sort, this.#chosen)
  }

  /**
   * The rows of the best entries of the last scan, by score: `wanted` entries, or all where there are no more, without those
   * that are more than `reach` farther by code than entry `near`.
   * @returns how many rows there are, each once, at `positions`.
   */
  select(tree: number, leaves: number, entries: number, wanted: number, near: number, reach?: number): number {
    const { kernels } = this.#arena
    const { leafOffsets, leaves: records } = this.#snapshot.tree[tree]!
    const count = this.#choose(entries, wanted, near, reach)
    return kernels.placePositions(
      this.#chosen,
      count,
      leaves,
      this.#snapshot.dim,
      records.byteOffset,
      leafOffsets.byteOffset,
      this.#entryBytes,
      this.#sort,
    )
  }

  /**
   * Add the rows of the best entries of the last scan, chosen as `select` does, to `rows`, with their distances by code.
   * @param length - what a unit of distance counts: the length of the query, where it was taken in as a unit vector.
   */
  selectScored(tree: number, leaves: number, entries: number, wanted: number, rows: CodeRows, length: number): void {
    const { kernels } = this.#arena
    const { leafOffsets, leaves: records } = this.#snapshot.tree[tree]!
    const count = this.#choose(entries, wanted)
    rows.count = kernels.placeScores(
      this.#chosen,
      count,
      leaves,
      this.#snapshot.dim,
      records.byteOffset,
      leafOffsets.byteOffset,
      this.#entryBytes,
      this.#scores,
      length / this.#codes.scale,
      length * (this.#codes.shared() + this.#leastBase),
      rows.count,
      rows.scratch,
    )
  }
}
