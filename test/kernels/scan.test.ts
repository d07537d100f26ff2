import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import type { Arena } from '../../build/kernels/memory.js'
import { scanEntries } from '../reference/scan.js'
import { topk } from '../reference/topk.js'
import {
  COUNTS,
  DIMS,
  onEachBinary,
  putFloats,
  putIntegers,
  randomValues,
  storeIntegerQuery,
  storeQuery,
  storeRows,
} from './harness.js'

const SIZE = 72

/** Rows of one type, a query, all distances by `distances`, and shuffled ids. */
function prepare(arena: Arena, metric: number, type: number, kind: number, dim: number) {
  const rng = new Rng(dim * 10 + type)
  const whole = type > 1
  const low = type === 2 ? 0 : -7
  const query = randomValues(rng, dim, kind === 1, low)
  const rows = storeRows(
    arena,
    type,
    Array.from({ length: SIZE }, () => randomValues(rng, dim, whole, low)),
    dim,
  )
  const address = kind === 1 ? storeIntegerQuery(arena, query) : storeQuery(arena, query)
  const scales = putFloats(
    arena,
    Array.from({ length: SIZE }, () => 0.5 + rng.uniform()),
  )
  const ids = Array.from(rng.shuffle(Uint32Array.from({ length: SIZE }, (_, i) => i)))
  const order = putIntegers(arena, ids)
  const out = arena.allocate(SIZE * 4)
  arena.kernels.distances(metric, type, kind, address, dim, rows.address, rows.stride, SIZE, scales, out)
  return { rng, rows, address, scales, ids, order, all: Array.from(arena.f32(out, SIZE)) }
}

function newHeap(arena: Arena, k: number): number {
  const heap = arena.allocate(arena.kernels.heapBytes(k))
  arena.kernels.heapReset(heap, k)
  return heap
}

function takeHeap(arena: Arena, heap: number, k: number) {
  const distances = arena.allocate(k * 4)
  const ids = arena.allocate(k * 4)
  const count = arena.kernels.heapSort(heap, distances, ids)
  return Array.from(arena.u32(ids, count), (id, i) => ({ distance: arena.f32(distances, count)[i]!, id }))
}

const FORMS = [
  [0, 0],
  [1, 0],
  [2, 0],
  [2, 1],
  [3, 0],
  [3, 1],
] as const

onEachBinary((open) => {
  test.each(FORMS)('scanRows keeps what sorting the distances keeps, type %i, query kind %i', (type, kind) => {
    const arena = open()
    for (const metric of [0, 1, 2]) {
      for (const dim of DIMS) {
        const { rows, address, scales, ids, order, all } = prepare(arena, metric, type, kind, dim)
        for (const count of COUNTS) {
          for (const orderAt of [0, order]) {
            const heap = newHeap(arena, 4)
            const { address: at, stride } = rows
            arena.kernels.scanRows(metric, type, kind, address, dim, at, stride, 7, count, scales, orderAt, heap)
            const entries = Array.from({ length: count }, (_, i) => ({
              distance: all[7 + i]!,
              id: orderAt === 0 ? 7 + i : ids[7 + i]!,
            }))
            expect(takeHeap(arena, heap, 4)).toEqual(topk(entries, 4))
          }
        }
      }
    }
  })

  test.each(FORMS)('scanEntries scores every unseen row once, type %i, query kind %i', (type, kind) => {
    const arena = open()
    for (const dim of DIMS) {
      const { rng, rows, address, scales, ids, order, all } = prepare(arena, 2, type, kind, dim)
      const bitmap = arena.allocate(SIZE / 8)
      const seen = new Set<number>()
      for (const count of COUNTS) {
        const entries = Array.from({ length: count }, () => rng.below(SIZE))
        const entriesAt = putIntegers(arena, entries)
        const { address: at, stride } = rows
        for (const [bits, set] of [
          [0, undefined],
          [bitmap, seen],
        ] as const) {
          const heap = newHeap(arena, 40)
          const scored = arena.kernels.scanEntries(
            2,
            type,
            kind,
            address,
            dim,
            at,
            stride,
            entriesAt,
            count,
            bits,
            scales,
            order,
            heap,
          )
          const wanted = scanEntries(entries, set)
          expect(scored).toBe(wanted.length)
          const offered = wanted.map((position) => ({ distance: all[position]!, id: ids[position]! }))
          expect(takeHeap(arena, heap, 40)).toEqual(topk(offered, 40))
        }
        const bytes = arena.u8(bitmap, SIZE / 8)
        const set = Array.from({ length: SIZE }, (_, p) => p).filter((p) => (bytes[p >> 3]! >> (p & 7)) & 1)
        expect(set).toEqual([...seen].sort((a, b) => a - b))
      }
    }
  })
})
