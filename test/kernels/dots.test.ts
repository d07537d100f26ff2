import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { dots, dotsAt } from '../reference/dots.js'
import { COUNTS, DIMS, onEachBinary, putFloats, putIntegers, randomValues, storeRows, tolerance } from './harness.js'

onEachBinary((open) => {
  const random = (rng: Rng, count: number, dim: number, whole: boolean): number[][] =>
    Array.from({ length: count }, () => randomValues(rng, dim, whole))

  test.each([0, 1])('whole numbers give exact dot products with and without bias, relu %i', (relu) => {
    const arena = open()
    for (const dim of DIMS) {
      for (const queryCount of COUNTS) {
        for (const rowCount of COUNTS) {
          const rng = new Rng(dim + queryCount * 10 + rowCount)
          const queries = storeRows(arena, 0, random(rng, queryCount, dim, true), dim)
          const rows = storeRows(arena, 0, random(rng, rowCount, dim, true), dim)
          const bias = rng.below(2) === 1 ? randomValues(rng, rowCount, true) : undefined
          const out = arena.allocate(queryCount * rowCount * 4 + 16)
          arena.f32(out, queryCount * rowCount + 4).fill(99)
          const { address, stride } = queries
          const biasAt = bias === undefined ? 0 : putFloats(arena, bias)
          arena.kernels.dots(address, stride, queryCount, rows.address, rows.stride, rowCount, dim, biasAt, relu, out)
          const wanted = dots(queries.values, rows.values, bias, relu === 1).flat()
          expect(Array.from(arena.f32(out, queryCount * rowCount + 4))).toEqual([...wanted, 99, 99, 99, 99])
        }
      }
    }
  })

  test('floats stay within the bound, and bits do not depend on the tile, the block or the export', () => {
    const arena = open()
    for (const dim of [...DIMS, 1024]) {
      const rng = new Rng(dim)
      const queries = storeRows(arena, 0, random(rng, 5, dim, false), dim)
      const rows = storeRows(arena, 0, random(rng, 133, dim, false), dim)
      const { address, stride } = queries
      const out = arena.allocate(5 * 133 * 4)
      arena.kernels.dots(address, stride, 5, rows.address, rows.stride, 133, dim, 0, 0, out)
      const all = arena.f32(out, 5 * 133)
      const absolute = (values: readonly number[][]): number[][] => values.map((row) => row.map(Math.abs))
      const bounds = dots(absolute(queries.values), absolute(rows.values), undefined, false).flat()
      dots(queries.values, rows.values, undefined, false)
        .flat()
        .forEach((wanted, i) => expect(Math.abs(all[i]! - wanted)).toBeLessThanOrEqual(tolerance(dim, bounds[i]!)))

      const one = arena.allocate(133 * 4)
      const ids = Array.from({ length: 33 }, () => rng.below(133))
      for (let q = 0; q < 5; q++) {
        const line = Array.from(all.subarray(q * 133, (q + 1) * 133))
        arena.kernels.dots(address + q * stride, stride, 1, rows.address, rows.stride, 133, dim, 0, 0, one)
        expect(Array.from(arena.f32(one, 133))).toEqual(line)
        const idsAt = putIntegers(arena, ids)
        arena.kernels.dotsAt(address + q * stride, rows.address, rows.stride, idsAt, 33, dim, 0, one)
        expect(Array.from(arena.f32(one, 33))).toEqual(ids.map((id) => line[id]))
      }
    }
  })

  test('dotsAt takes the bias of each id', () => {
    const arena = open()
    for (const dim of DIMS) {
      for (const count of COUNTS) {
        const rng = new Rng(dim + count)
        const query = storeRows(arena, 0, random(rng, 1, dim, true), dim)
        const rows = storeRows(arena, 0, random(rng, 40, dim, true), dim)
        const ids = Array.from({ length: count }, () => rng.below(40))
        const bias = randomValues(rng, 40, true)
        const out = arena.allocate(count * 4)
        const idsAt = putIntegers(arena, ids)
        const biasAt = putFloats(arena, bias)
        arena.kernels.dotsAt(query.address, rows.address, rows.stride, idsAt, count, dim, biasAt, out)
        expect(Array.from(arena.f32(out, count))).toEqual(dotsAt(query.values[0]!, rows.values, ids, bias))
      }
    }
  })
})
