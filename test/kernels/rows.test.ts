import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { allFinite, squaredNorms, widen } from '../reference/rows.js'
import { COUNTS, DIMS, onEachBinary, randomValues, storeRows, tolerance } from './harness.js'

const TYPES = [0, 1, 2, 3]

onEachBinary((open) => {
  test.each(TYPES)('widen copies components and fills up with zeros, type %i', (type) => {
    const arena = open()
    for (const dim of DIMS) {
      for (const count of COUNTS) {
        const rng = new Rng(dim + count)
        const rows = Array.from({ length: count }, () => randomValues(rng, dim, type > 1, type === 2 ? 0 : -7))
        const { address, stride, values } = storeRows(arena, type, rows, dim)
        for (const width of [(dim + 3) & ~3, (dim + 31) & ~15]) {
          const out = arena.allocate(count * width * 4 + 16)
          arena.f32(out, count * width + 4).fill(99)
          arena.kernels.widen(type, address, stride, count, dim, out, width * 4)
          const wanted = values.flatMap((row) => widen(row, width))
          expect(Array.from(arena.f32(out, count * width + 4))).toEqual([...wanted, 99, 99, 99, 99])
        }
      }
    }
  })

  test.each(TYPES)('squaredNorms: whole numbers exactly, floats within the bound, type %i', (type) => {
    const arena = open()
    for (const dim of DIMS) {
      for (const whole of [true, false]) {
        const rng = new Rng(dim)
        const rows = Array.from({ length: 5 }, () => randomValues(rng, dim, whole || type > 1, type === 2 ? 0 : -7))
        const { address, stride, values } = storeRows(arena, type, rows, dim)
        const out = arena.allocate(20)
        arena.kernels.squaredNorms(type, address, stride, 5, dim, out)
        squaredNorms(values).forEach((wanted, i) => {
          const bound = whole ? 0 : tolerance(dim, wanted)
          expect(Math.abs(arena.f32(out, 5)[i]! - wanted)).toBeLessThanOrEqual(bound)
        })
      }
    }
  })

  test('addRows adds weighted rows up in 64 bits', () => {
    const arena = open()
    for (const dim of DIMS) {
      for (const count of COUNTS) {
        const rng = new Rng(dim + count)
        const rows = Array.from({ length: count }, () => randomValues(rng, dim, false))
        const { address, stride, values } = storeRows(arena, 0, rows, dim)
        const width = stride / 4
        const sums = arena.allocate(width * 8 + 8)
        const found = new Float64Array(arena.memory.buffer, sums, width + 1)
        const wanted = new Float64Array(width + 1)
        for (const weight of [1, 0.3]) {
          arena.kernels.addRows(address, stride, count, width, weight, sums)
          for (const row of values) row.forEach((value, d) => (wanted[d]! += weight * value))
        }
        expect(Array.from(found)).toEqual(Array.from(wanted))
      }
    }
  })

  test.each([0, 1])('allFinite finds one infinity or NaN wherever it is, type %i', (type) => {
    const arena = open()
    for (const dim of DIMS) {
      for (const bad of [0, Infinity, -Infinity, NaN]) {
        for (const at of [0, dim - 1]) {
          const rows = [new Array<number>(dim).fill(1), new Array<number>(dim).fill(type === 0 ? 3e38 : 65_504)]
          rows[1]![at] = bad
          const { address, stride, values } = storeRows(arena, type, rows, dim)
          expect(arena.kernels.allFinite(type, address, stride * 2)).toBe(allFinite(values) ? 1 : 0)
        }
      }
    }
  })

  test('8-bit rows are always finite', () => {
    const arena = open()
    const { address, stride } = storeRows(arena, 2, [new Array<number>(16).fill(255)], 16)
    expect(arena.kernels.allFinite(2, address, stride)).toBe(1)
    expect(arena.kernels.allFinite(3, address, stride)).toBe(1)
  })
})
