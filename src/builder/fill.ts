import { CapacityError } from '../base/errors.js'
import { sharedU32 } from '../base/shared.js'
import { NO_LEAF } from '../partition/balance.js'
import type { Holders } from '../pool/messages.js'
import { MOST_COPIES } from '../tree/snapshot.js'

/** Loads of the leaves under the holders. */
export function loadsOf(holders: Holders, leafCount: number): Uint32Array {
  const loads = new Uint32Array(leafCount)
  for (const leaf of holders.leaves) loads[leaf]!++
  return loads
}

/** Holders with one more leaf for some rows; the first leaf of a row stays first. */
export function addHolders(holders: Holders, rows: Uint32Array, leaves: Uint32Array): Holders {
  const size = holders.offsets.length - 1
  const added = new Uint32Array(size).fill(NO_LEAF)
  let more = 0
  for (let i = 0; i < rows.length; i++) {
    if (leaves[i] === NO_LEAF) continue
    added[rows[i]!] = leaves[i]!
    more++
  }
  const offsets = sharedU32(size + 1)
  const out = sharedU32(holders.leaves.length + more)
  for (let row = 0; row < size; row++) {
    let at = offsets[row]!
    for (let j = holders.offsets[row]!; j < holders.offsets[row + 1]!; j++) out[at++] = holders.leaves[j]!
    if (added[row] !== NO_LEAF) out[at++] = added[row]!
    offsets[row + 1] = at
  }
  return { offsets, leaves: out }
}

/**
 * Place the copies that found no leaf with room that did not hold the row already: any row with less than `MOST_COPIES`
 * leaves takes them, so that the index has exactly the entries that were planned. Where every such row is in all leaves
 * with room, other rows' copies make way along a chain of leaves.
 * @param room - entries that a leaf may have.
 * @throws {CapacityError} BATL_CAPACITY where no arrangement of copies fits.
 */
export function fillUp(holders: Holders, entryCount: number, room: number, leafCount: number): Holders {
  let full = holders
  while (full.leaves.length < entryCount) {
    const before = full.leaves.length
    full = placeAnywhere(full, entryCount, room, leafCount)
    if (full.leaves.length > before) continue
    const chained = placeByChain(full, room, leafCount)
    if (chained === undefined) {
      throw new CapacityError(
        `${entryCount} entries do not fit ${leafCount} leaves of ${room} without a row twice in one; raise slack or lower copies`,
        leafCount * room,
        entryCount,
      )
    }
    full = chained
  }
  return full
}

/** Give leaves with room to rows that are not in them, one each. */
function placeAnywhere(holders: Holders, entryCount: number, room: number, leafCount: number): Holders {
  const loads = loadsOf(holders, leafCount)
  const rows: number[] = []
  const leaves: number[] = []
  const size = holders.offsets.length - 1
  let missing = entryCount - holders.leaves.length
  let row = 0
  for (let leaf = 0; leaf < leafCount && missing > 0; leaf++) {
    for (; loads[leaf]! < room && missing > 0 && row < size; row++) {
      const held = holders.leaves.subarray(holders.offsets[row]!, holders.offsets[row + 1]!)
      if (held.includes(leaf) || held.length >= MOST_COPIES) continue
      rows.push(row)
      leaves.push(leaf)
      loads[leaf]!++
      missing--
    }
  }
  return addHolders(holders, Uint32Array.from(rows), Uint32Array.from(leaves))
}

/** The row whose copy moves on from the leaf before, or that gets the new copy, and that leaf. */
interface Link {
  readonly row: number
  readonly from: number
}

/**
 * One more copy by a chain: a row takes a full leaf, whose copy of another row moves to a leaf that does not hold that
 * row, and so on to a leaf with room. The shortest chain, so that no leaf comes twice. First leaves of rows never move.
 * @see augmenting paths, Ford and Fulkerson 1956: where there is no chain, there is no arrangement.
 */
function placeByChain(holders: Holders, room: number, leafCount: number): Holders | undefined {
  const { offsets, leaves } = holders
  const size = offsets.length - 1
  const loads = loadsOf(holders, leafCount)
  const links = new Array<Link | undefined>(leafCount)
  const queue: number[] = []
  const reach = (row: number, from: number): void => {
    const held = leaves.subarray(offsets[row]!, offsets[row + 1]!)
    for (let leaf = 0; leaf < leafCount; leaf++) {
      if (links[leaf] !== undefined || held.includes(leaf)) continue
      links[leaf] = { row, from }
      queue.push(leaf)
    }
  }
  for (let row = 0; row < size; row++) if (offsets[row + 1]! - offsets[row]! < MOST_COPIES) reach(row, NO_LEAF)
  for (let next = 0; next < queue.length; next++) {
    const leaf = queue[next]!
    if (loads[leaf]! < room) return follow(holders, links, leaf)
    for (let row = 0; row < size && queue.length < leafCount; row++) {
      const copies = leaves.subarray(offsets[row]! + 1, offsets[row + 1]!)
      if (copies.includes(leaf)) reach(row, leaf)
    }
  }
  return undefined
}

/** Move the copies along a chain that ends at `last`. */
function follow({ offsets, leaves }: Holders, links: readonly (Link | undefined)[], last: number): Holders {
  const moved = sharedU32(leaves.length)
  moved.set(leaves)
  let leaf = last
  for (;;) {
    const { row, from } = links[leaf]!
    if (from === NO_LEAF) return addHolders({ offsets, leaves: moved }, Uint32Array.of(row), Uint32Array.of(leaf))
    const start = offsets[row]! + 1
    moved[start + leaves.subarray(start, offsets[row + 1]!).indexOf(from)] = leaf
    leaf = from
  }
}
