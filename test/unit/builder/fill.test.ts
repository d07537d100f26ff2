import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { fillUp, loadsOf } from '../../../build/builder/fill.js'
import { capacity } from '../../../build/builder/plan.js'
import type { Holders } from '../../../build/pool/messages.js'
import { failure } from '../../api/support.js'

/** Rows in balanced first leaves, and copies given out greedily in random order until `entryCount`, or until stuck. */
function startHolders(rng: Rng, size: number, leafCount: number, room: number, entryCount: number): Holders {
  const first = rng.shuffle(new Uint32Array(size).map((_, i) => i))
  const held = Array.from({ length: size }, (_, row) => [first[row]! % leafCount])
  const loads = new Uint32Array(leafCount)
  for (const [leaf] of held) loads[leaf!]!++
  let entries = size
  for (let turn = 0; turn < size * leafCount * 3 && entries < entryCount; turn++) {
    const row = rng.below(size)
    // Low leaves first: the ones that are left over are held by many rows already.
    const leaf = Math.min(rng.below(leafCount), rng.below(leafCount))
    if (held[row]!.length >= 3 || held[row]!.includes(leaf) || loads[leaf]! >= room) continue
    held[row]!.push(leaf)
    loads[leaf]!++
    entries++
  }
  const offsets = new Uint32Array(size + 1)
  held.forEach((leaves, row) => (offsets[row + 1] = offsets[row]! + leaves.length))
  return { offsets, leaves: Uint32Array.from(held.flat()) }
}

describe.each([1, 1.2])('copies fill up under slack %d', (slack) => {
  test.each([3, 2.5, 1.4])('%d a row, whatever was placed before', (copies) => {
    let stuck = 0
    for (let seed = 0; seed < 300; seed++) {
      const rng = new Rng(seed)
      const size = 3 + rng.below(40)
      const leafCount = Math.min(size, 3 + rng.below(6))
      const entryCount = Math.round(size * copies)
      const room = capacity(entryCount, leafCount, slack)
      const start = startHolders(rng, size, leafCount, room, entryCount)
      if (start.leaves.length < entryCount) stuck++
      const { offsets, leaves } = fillUp(start, entryCount, room, leafCount)
      expect(leaves.length).toBe(entryCount)
      expect(offsets[size]).toBe(entryCount)
      for (let row = 0; row < size; row++) {
        const held = leaves.subarray(offsets[row]!, offsets[row + 1]!)
        expect(held.length).toBeGreaterThanOrEqual(1)
        expect(held.length).toBeLessThanOrEqual(3)
        expect(new Set(held).size).toBe(held.length)
        expect(held[0]).toBe(start.leaves[start.offsets[row]!])
      }
      for (const load of loadsOf({ offsets, leaves }, leafCount)) expect(load).toBeLessThanOrEqual(room)
    }
    // The starts that a greedy choice leaves unfinished are what this is about.
    if (copies === 3) expect(stuck).toBeGreaterThan(50)
  })
})

test('a copy makes way for the row that is in every leaf with room', () => {
  // Row 3 may only take leaf 0 or 1, which are full; leaf 3, where it is already, has room.
  const held = [
    [0, 1, 2],
    [1, 0, 2],
    [0, 1, 3],
    [3, 2],
  ]
  const offsets = new Uint32Array(5)
  held.forEach((leaves, row) => (offsets[row + 1] = offsets[row]! + leaves.length))
  const filled = fillUp({ offsets, leaves: Uint32Array.from(held.flat()) }, 12, 3, 4)
  expect([...loadsOf(filled, 4)]).toEqual([3, 3, 3, 3])
  expect([...filled.leaves]).toEqual([0, 1, 2, 1, 3, 2, 0, 1, 3, 3, 2, 0])
})

test('more entries than any arrangement holds are refused', async () => {
  const holders = { offsets: Uint32Array.of(0, 2, 4), leaves: Uint32Array.of(0, 1, 1, 0) }
  const error = await failure(() => fillUp(holders, 5, 4, 2))
  expect(error).toMatchObject({ code: 'BATL_CAPACITY', limit: 8, wanted: 5 })
})
