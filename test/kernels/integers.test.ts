import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { centredInteger, scaledDot } from '../reference/integers.js'
import { COUNTS, DIMS, onEachBinary, put, putFloats, putIntegers, randomValues } from './harness.js'

const UNTOUCHED = 99

/** Rows of `width` values, one after another. */
const rowsOf = (values: readonly number[], width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width))

onEachBinary((open) => {
  test('rows less a centre are 32,000 units long, zeros after them', () => {
    const arena = open()
    for (const width of [4, 8, 12, 100, 128]) {
      for (const scale of [1e-10, 1, 1e10]) {
        const rng = new Rng(width)
        const count = 5
        const stride = (width + 7) & ~7
        const centre = randomValues(rng, width, false).map((value) => Math.fround(value * scale))
        const rows = Array.from({ length: count }, () => randomValues(rng, width, false).map((v) => v * scale))
        const stored = rows.map((row) => [...Float32Array.from(row)])
        // One long component, which takes nearly all of the units that a row has.
        stored[1] = centre.map((value, i) => (i === 1 ? Math.fround(value - 50 * scale) : value))
        const out = put(arena, new Int16Array(count * stride).fill(UNTOUCHED))
        const units = putFloats(arena, new Array<number>(count).fill(UNTOUCHED))
        const [from, middle] = [putFloats(arena, stored.flat()), putFloats(arena, centre)]
        arena.kernels.centredIntegers(from, width * 4, count, width, middle, out, stride * 2, units)
        const found = rowsOf([...arena.i16(out, count * stride)], stride)
        stored.forEach((row, i) => {
          const wanted = centredInteger(row, centre)
          expect(Math.abs(arena.f32(units, count)[i]! / wanted.unit - 1)).toBeLessThan(1e-5)
          wanted.units.forEach((value, d) => expect(Math.abs(found[i]![d]! - value)).toBeLessThanOrEqual(1))
          expect(found[i]!.slice(width).every((value) => value === 0)).toBe(true)
        })
      }
    }
  })

  test.each([
    ['at the centre', 3, 3],
    ['too short for squares', 1e-25, 0],
    ['too long for squares', 1e25, 0],
    ['as far from the centre as f32 goes', 3.4e38, -3.4e38],
  ])('a row %s is zeros of no unit', (_, value, from) => {
    const arena = open()
    const [row, centre] = [putFloats(arena, [value, value, 0, 0]), putFloats(arena, [from, from, 0, 0])]
    const out = put(arena, new Int16Array(8).fill(UNTOUCHED))
    const units = putFloats(arena, [UNTOUCHED])
    arena.kernels.centredIntegers(row, 16, 1, 4, centre, out, 16, units)
    expect([...arena.i16(out, 8)]).toEqual(new Array(8).fill(0))
    expect(arena.f32(units, 1)[0]).toBe(0)
  })

  test('scaled dots stand at the places of their entries, and nowhere else', () => {
    const arena = open()
    for (const dim of [...DIMS, 3072]) {
      for (const rowCount of [1, 3, 4, 33, 700]) {
        for (const entryCount of COUNTS) {
          const rng = new Rng(dim + rowCount + entryCount)
          const [queryCount, beam] = [12, 3]
          const stride = (dim + 7) & ~7
          const most = Math.floor(32_000 / Math.sqrt(dim))
          const integers = (count: number): number[] =>
            Array.from({ length: count * stride }, (_, i) => (i % stride < dim ? rng.below(2 * most + 1) - most : 0))
          const [queries, rows] = [integers(queryCount), integers(rowCount)]
          const units = Array.from({ length: queryCount }, () => Math.fround(Math.exp(rng.normal())))
          const unit = Math.fround(0.01)
          const bias = randomValues(rng, rowCount, false)
          const entries = [...rng.sample(queryCount * beam, entryCount)]
          const cells = queryCount * beam * rowCount
          const out = putFloats(arena, new Array<number>(cells).fill(UNTOUCHED))
          const addresses = [queries, rows].map((values) => put(arena, Int16Array.from(values)))
          const inputs = [putFloats(arena, units), putIntegers(arena, entries), putFloats(arena, bias)]
          const scratch = arena.allocate(32)
          arena.kernels.scaledDots(
            addresses[0]!,
            inputs[0]!,
            unit,
            inputs[1]!,
            entryCount,
            beam,
            addresses[1]!,
            stride * 2,
            rowCount,
            dim,
            inputs[2]!,
            out,
            scratch,
          )
          const wanted = new Array<number>(cells).fill(UNTOUCHED)
          for (const entry of entries) {
            const query = Math.floor(entry / beam)
            const own = Math.fround(units[query]! * unit)
            const dots = scaledDot(rowsOf(queries, stride)[query]!, rowsOf(rows, stride), own, bias)
            dots.forEach((dot, r) => (wanted[entry * rowCount + r] = dot))
          }
          expect([...arena.f32(out, cells)]).toEqual(wanted)
          for (const at of [...addresses, ...inputs, out, scratch]) arena.free(at)
        }
      }
    }
  })
})
