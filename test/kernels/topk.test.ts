import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import type { Arena } from '../../build/kernels/memory.js'
import { type Entry, topk } from '../reference/topk.js'
import { COUNTS, onEachBinary } from './harness.js'

/** Offer all entries to a heap of capacity k, and take out what it kept. */
function keep(arena: Arena, entries: readonly Entry[], k: number): Entry[] {
  const { kernels } = arena
  const heap = arena.allocate(kernels.heapBytes(k))
  kernels.heapReset(heap, k)
  for (const { distance, id } of entries) kernels.heapOffer(heap, distance, id)
  const distances = arena.allocate(k * 4)
  const ids = arena.allocate(k * 4)
  const count = kernels.heapSort(heap, distances, ids)
  expect(kernels.heapSort(heap, distances, ids)).toBe(0)
  return Array.from(arena.u32(ids, count), (id, i) => ({ distance: arena.f32(distances, count)[i]!, id }))
}

onEachBinary((open) => {
  test('keeps the best k in order, ties by lower id, whatever the order of the offers', () => {
    const arena = open()
    for (const count of [...COUNTS, 1000]) {
      for (const k of [0, 1, 2, 3, 10, 33, 100]) {
        const rng = new Rng(count + k)
        const order = rng.shuffle(Uint32Array.from({ length: count }, (_, i) => i))
        const entries = Array.from(order, (id) => ({ distance: (id * 7) % 13, id }))
        expect(keep(arena, entries, k)).toEqual(topk(entries, k))
      }
    }
  })

  test('NaN counts as +Infinity, ids are unsigned, and infinities have their place', () => {
    const arena = open()
    const entries = [
      { distance: NaN, id: 5 },
      { distance: Infinity, id: 7 },
      { distance: 1, id: 0xffffffff },
      { distance: 1, id: 0x7fffffff },
      { distance: -Infinity, id: 9 },
      { distance: NaN, id: 4 },
    ]
    for (let k = 1; k <= 7; k++) {
      const found = keep(arena, entries, k)
      expect(found).toEqual(topk(entries, k))
      expect(keep(arena, [...entries].reverse(), k)).toEqual(found)
      expect(found.some(({ distance }) => Number.isNaN(distance))).toBe(false)
    }
  })
})
