import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { nearest, shortened } from '../reference/near.js'
import { COUNTS, DIMS, onEachBinary, put, putFloats, putIntegers, randomValues, storeRows } from './harness.js'

const NONE = 0xffffffff

onEachBinary((open) => {
  test.each([
    [0, false],
    [1, false],
    [1, true],
  ])('queries keep their nearest rows, form %i, scaled: %p, whichever queries look', (form, scaled) => {
    const arena = open()
    for (const dim of [...DIMS, 600]) {
      for (const queryCount of COUNTS) {
        for (const rowCount of [...COUNTS, 150]) {
          const rng = new Rng(dim + queryCount * 10 + rowCount)
          const random = (count: number): number[][] =>
            Array.from({ length: count }, () => randomValues(rng, dim, true, -7))
          const total = queryCount + 2
          const [queries, rows] = [random(total), random(rowCount)]
          const stride = form === 1 ? ((dim + 7) & ~7) * 2 : ((dim + 3) & ~3) * 4
          const store = (values: number[][]): number => {
            if (form === 0) return storeRows(arena, 0, values, dim).address
            const all = new Int16Array((values.length * stride) / 2)
            values.forEach((row, i) => all.set(row, (i * stride) / 2))
            return put(arena, all)
          }
          const bias = randomValues(rng, rowCount, true)
          // Powers of two, so that what is scaled stays exact.
          const scales = Array.from({ length: rowCount }, () => (scaled ? 2 ** (rng.below(4) - 2) : 1))
          const positions = [...rng.sample(1000, rowCount)]
          const places = rng.sample(total, queryCount)
          const k = 5
          const heapBytes = (arena.kernels.heapBytes(k) + 63) & ~63
          const heaps = arena.allocate(total * heapBytes)
          for (let i = 0; i < total; i++) arena.kernels.heapReset(heaps + i * heapBytes, k)
          const [queriesAt, rowsAt] = [store(queries), store(rows)]
          arena.kernels.nearTiles(
            form,
            queriesAt,
            stride,
            putIntegers(arena, places),
            queryCount,
            rowsAt,
            stride,
            rowCount,
            dim,
            putFloats(arena, bias),
            scaled ? putFloats(arena, scales) : 0,
            putIntegers(arena, positions),
            heaps,
            heapBytes,
            arena.allocate(64),
          )
          const out = arena.allocate(k * 8)
          const scaledRows = rows.map((row, i) => row.map((value) => value * scales[i]!))
          for (let i = 0; i < total; i++) {
            const found = arena.kernels.heapSort(heaps + i * heapBytes, out, out + k * 4)
            const wanted = places.includes(i) ? nearest(queries[i]!, scaledRows, bias, positions, k) : []
            expect(Array.from(arena.u32(out + k * 4, found))).toEqual(wanted)
          }
        }
      }
    }
  })

  test('without places the first queries look', () => {
    const arena = open()
    const rows = storeRows(arena, 0, [[1], [2], [3]], 1)
    const queries = storeRows(arena, 0, [[1], [-1]], 1)
    const heapBytes = (arena.kernels.heapBytes(1) + 63) & ~63
    const heaps = arena.allocate(2 * heapBytes)
    for (let i = 0; i < 2; i++) arena.kernels.heapReset(heaps + i * heapBytes, 1)
    const bias = putFloats(arena, [0, 0, 0])
    const positions = putIntegers(arena, [10, 20, 30])
    const scratch = arena.allocate(64)
    arena.kernels.nearTiles(
      0,
      queries.address,
      16,
      0,
      2,
      rows.address,
      16,
      3,
      1,
      bias,
      0,
      positions,
      heaps,
      heapBytes,
      scratch,
    )
    const found = [0, 1].map((i) => {
      arena.kernels.heapSort(heaps + i * heapBytes, scratch, scratch + 4)
      return arena.u32(scratch + 4, 1)[0]
    })
    expect(found).toEqual([30, 10])
  })

  test.each([
    [2, 0],
    [3, -7],
  ])('rows of 8 bits, type %i, widen to i16 with zeros after them', (type, low) => {
    const arena = open()
    for (const dim of DIMS) {
      for (const count of COUNTS) {
        const rng = new Rng(dim + count)
        const rows = Array.from({ length: count }, () => randomValues(rng, dim, true, low))
        const stored = storeRows(arena, type, rows, dim)
        const width = (dim + 7) & ~7
        const out = arena.allocate(count * width * 2)
        arena.i16(out, count * width).fill(99)
        arena.kernels.widenIntegers(type, stored.address, stored.stride, count, dim, out, width * 2)
        const wanted = rows.flatMap((row) => [...row, ...new Array<number>(width - dim).fill(0)])
        expect(Array.from(arena.i16(out, count * width))).toEqual(wanted)
      }
    }
  })

  test('rows are multiplied by a factor each', () => {
    const arena = open()
    const values = Array.from({ length: 5 }, (_, i) => Array.from({ length: 8 }, (_, d) => i * 10 + d))
    const rows = storeRows(arena, 0, values, 8)
    arena.kernels.scaleRows(rows.address, 32, 4, 8, putFloats(arena, [2, 0.5, 0, -1]))
    const wanted = values.flatMap((row, i) => row.map((value) => value * [2, 0.5, 0, -1, 1][i]!))
    expect(Array.from(arena.f32(rows.address, 40), (value) => value + 0)).toEqual(wanted.map((value) => value + 0))
  })

  test('a vector is taken from rows', () => {
    const arena = open()
    const values = Array.from({ length: 3 }, (_, i) => Array.from({ length: 8 }, (_, d) => i * 10 + d))
    const rows = storeRows(arena, 0, values, 8)
    const shift = [3, 1, 4, 1, 5, 9, 2, 6]
    arena.kernels.shiftRows(rows.address, 32, 3, 8, putFloats(arena, shift))
    expect(Array.from(arena.f32(rows.address, 24))).toEqual(values.flatMap((row) => row.map((v, d) => v - shift[d]!)))
  })

  test('lists keep their best, between the least and the most of them', () => {
    const arena = open()
    for (const m of [1, 3, 4, 5, 31, 200]) {
      for (const [least, most] of [
        [1, 1],
        [3, 4],
        [12, 16],
        [300, 300],
      ] as const) {
        for (const coarse of [true, false]) {
          const rng = new Rng(m + least)
          const count = 6
          const scores = Array.from({ length: count }, (_, i) =>
            Array.from({ length: m }, () => {
              if (i === 5) return 1
              return coarse ? rng.below(4) - 2 : Math.fround(rng.normal() * 10 ** (i * 3 - 6))
            }),
          )
          const ids = Array.from({ length: m }, (_, j) => 1000 + j)
          const scoresAt = putFloats(arena, scores.flat())
          const outIds = arena.allocate(count * most * 4)
          const outScores = arena.allocate(count * most * 4)
          for (const idsAt of [0, putIntegers(arena, ids)]) {
            arena.kernels.shortenLists(scoresAt, count, m, idsAt, least, most, outIds, outScores)
            for (let i = 0; i < count; i++) {
              const listed = Array.from(arena.u32(outIds + i * most * 4, most))
              const values = Array.from(arena.f32(outScores + i * most * 4, most))
              const end = listed.indexOf(NONE) < 0 ? most : listed.indexOf(NONE)
              const places = listed.slice(0, end).map((id) => (idsAt === 0 ? id : id - 1000))
              expect(listed.slice(end).every((id) => id === NONE)).toBe(true)
              expect(values.slice(end).every((value) => value === -Infinity)).toBe(true)
              expect(new Set(places).size).toBe(end)
              expect(values.slice(0, end)).toEqual(places.map((place) => scores[i]![place]))
              const { must, may } = shortened(scores[i]!, least, most)
              expect(end).toBeGreaterThanOrEqual(must.length)
              const sorted = values.slice(0, end).sort((a, b) => b - a)
              expect(sorted).toEqual(may.slice(0, end))
            }
          }
        }
      }
    }
  })
})
