import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import * as twin from '../reference/codes.js'
import { packLeaves } from '../reference/leaves.js'
import { LEAF_SIZES, OFFSETS, room, VISITS } from './code-cases.js'
import { onEachBinary, put, putIntegers } from './harness.js'

onEachBinary((open) => {
  test('countScores counts the scores up to a bound', () => {
    const arena = open()
    for (const count of [0, 8, 16, 1000, 40_000]) {
      const rng = new Rng(count)
      const scores = Int16Array.from({ length: count }, () => rng.below(65_536) - 32_768)
      const at = put(arena, scores)
      for (const bound of [-32_768, -1, 0, 1234, 32_766, 32_767]) {
        expect(arena.kernels.countScores(at, count, bound)).toBe(twin.countScores(scores, bound))
      }
    }
    // More equal ones than a lane of 16 bits can count.
    const many = 8 * 70_000
    expect(arena.kernels.countScores(put(arena, new Int16Array(many).fill(-5)), many, -5)).toBe(many)
  })

  test('selectScores gives the least scores within reach, ascending places, the first of equals', () => {
    const arena = open()
    const makers: [string, (rng: Rng, i: number) => number][] = [
      ['anything', (rng) => rng.below(65_536) - 32_768],
      ['a bell', (rng) => Math.round(rng.normal() * 500 + 2000)],
      ['few values', (rng) => rng.below(5)],
      ['all equal', () => 77],
      ['all the largest', () => 32_767],
      ['all the smallest', () => -32_768],
      ['one below the rest', (_, i) => (i === 3 ? -32_768 : 32_767)],
      ['ascending', (_, i) => Math.min(32_767, i - 5000)],
      ['descending', (_, i) => 5000 - i],
      ['mostly places of no entry', (rng) => (rng.below(20) === 0 ? rng.below(3000) : 32_767)],
      ['the least where no sample looks', (rng, i) => (i % 64 < 8 ? 3000 : -3000) + rng.below(100)],
      ['the least where samples look', (rng, i) => (i % 64 < 8 ? -3000 : 3000) + rng.below(100)],
      ['far apart', (rng) => [-32_768, 32_767, 0][rng.below(3)]!],
    ]
    for (const [name, make] of makers) {
      for (const count of [16, 32, 48, 1008, 2032, 2048, 8192, 24_000]) {
        const rng = new Rng(count)
        const scores = Int16Array.from({ length: count }, (_, i) => make(rng, i))
        const at = put(arena, scores)
        const sorted = [...scores.keys()].sort((a, b) => scores[a]! - scores[b]! || a - b)
        for (const wanted of [-1, 0, 1, 2, 10, 100, count >> 1, count - 1, count, count + 1, count * 3]) {
          for (const limit of wanted < count ? [wanted, wanted + 20, 3 * wanted + 64] : [count]) {
            const out = room(arena, Math.max(0, limit) * 4)
            const scratch = room(arena, Math.max(0, limit + 8) * 2)
            const bounds: [near: number, reach: number][] = [[0, 0]]
            if (wanted > 0 && wanted < count && count <= 2048) {
              bounds.push([Math.max(1, wanted >> 3), 1 + rng.below(1000)], [Math.max(1, wanted >> 1), 1], [1, 65_535])
            }
            for (const [near, reach] of bounds) {
              const { kernels } = arena
              const found = kernels.selectScores(at, count, wanted, near, reach, limit, scratch.address, out.address)
              const how = [name, count, wanted, limit, near, reach]
              expect([how, out.untouched(), scratch.untouched()]).toEqual([how, true, true])
              const farthest = reach > 0 ? scores[sorted[near - 1]!]! + reach : Infinity
              const chosen = sorted.slice(0, Math.max(wanted, 0)).filter((place) => scores[place]! <= farthest)
              expect([how, found]).toEqual([how, chosen.length])
              expect(Array.from(arena.u32(out.address, found))).toEqual(chosen.sort((a, b) => a - b))
            }
            arena.free(out.address)
            arena.free(scratch.address)
          }
        }
      }
    }
  })

  test('countEntries and placePositions tell entries from places of none, each row once', () => {
    const arena = open()
    const rng = new Rng(8)
    // Rows stand in several leaves, ascending within each.
    const entries = LEAF_SIZES.flatMap((size) => Array.from(rng.sample(90, size)).sort((a, b) => a - b))
    const offsets = putIntegers(arena, OFFSETS)
    const { bytes, entryBytes } = packLeaves({ dim: 7, columns: 3, offsets: OFFSETS, positions: entries })
    const records = put(arena, Uint8Array.from(bytes))
    for (const leaves of VISITS) {
      const leavesAt = putIntegers(arena, leaves)
      expect(arena.kernels.countEntries(leavesAt, leaves.length, offsets)).toBe(twin.countEntries(leaves, OFFSETS))
      const total = twin.placesOf(leaves, OFFSETS).length
      for (const share of [1, 2, 5]) {
        const places = Array.from({ length: total }, (_, place) => place).filter(() => rng.below(share) === 0)
        const at = putIntegers(arena, places)
        const scratch = room(arena, arena.kernels.positionBytes(places.length) >>> 0)
        const count = arena.kernels.placePositions(
          at,
          places.length,
          leavesAt,
          7,
          records,
          offsets,
          entryBytes,
          scratch.address,
        )
        expect(Array.from(arena.u32(at, count))).toEqual(twin.placePositions(places, leaves, OFFSETS, entries))
        expect(scratch.untouched()).toBe(true)
      }
    }
  })

  test('placeScores and offerRows offer each row of all trees once, at its least distance', () => {
    const arena = open()
    const rng = new Rng(9)
    const [step, shift] = [0.37, -12.5]
    const order = Array.from(rng.shuffle(Uint32Array.from({ length: 90 }, (_, i) => i)))
    const orderAt = putIntegers(arena, order)
    for (const leaves of VISITS) {
      const total = twin.placesOf(leaves, OFFSETS).length
      const scratch = room(arena, arena.kernels.positionBytes(2 * total) >>> 0)
      const wanted = new Map<number, number>()
      let count = 0
      for (let tree = 0; tree < 2; tree++) {
        const entries = LEAF_SIZES.flatMap((size) => Array.from(rng.sample(90, size)).sort((a, b) => a - b))
        const scores = Int16Array.from({ length: total }, () => rng.below(65_536) - 32_768)
        const places = Array.from({ length: total }, (_, place) => place).filter(() => rng.below(2) === 0)
        const rows = twin.codeRows(places, leaves, OFFSETS, entries, scores, step, shift)
        for (const [row, distance] of rows) wanted.set(row, Math.min(distance, wanted.get(row) ?? Infinity))
        const { bytes, entryBytes } = packLeaves({ dim: 7, columns: 3, offsets: OFFSETS, positions: entries })
        count = arena.kernels.placeScores(
          putIntegers(arena, places),
          places.length,
          putIntegers(arena, leaves),
          7,
          put(arena, Uint8Array.from(bytes)),
          putIntegers(arena, OFFSETS),
          entryBytes,
          put(arena, scores),
          step,
          shift,
          count,
          scratch.address,
        )
      }
      const k = Math.max(1, wanted.size)
      const heap = arena.allocate(arena.kernels.heapBytes(k))
      arena.kernels.heapReset(heap, k)
      arena.kernels.offerRows(scratch.address, count, orderAt, heap)
      expect(scratch.untouched()).toBe(true)
      const [distances, ids] = [arena.allocate(k * 4), arena.allocate(k * 4)]
      expect(arena.kernels.heapSort(heap, distances, ids)).toBe(wanted.size)
      const best = [...wanted].map(([row, distance]) => [distance, order[row]!] as const)
      best.sort((a, b) => a[0] - b[0] || a[1] - b[1])
      expect(Array.from(arena.f32(distances, wanted.size))).toEqual(best.map(([distance]) => distance))
      expect(Array.from(arena.u32(ids, wanted.size))).toEqual(best.map(([, id]) => id))
    }
  })
})
