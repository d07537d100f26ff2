import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import type { Arena } from '../../build/kernels/memory.js'
import { distance, distances, distancesAt, magnitude } from '../reference/distance.js'
import {
  COUNTS,
  DIMS,
  onEachBinary,
  put,
  putFloats,
  putIntegers,
  randomValues,
  storeIntegerQuery,
  storeQuery,
  storeRows,
  tolerance,
} from './harness.js'

const METRICS = [0, 1, 2]
const TYPES = [0, 1, 2, 3]

interface Case {
  arena: Arena
  metric: number
  type: number
  dim: number
  count: number
  whole: boolean
}

/** One query and some rows in an arena. Values of u8 and i8 rows are whole. */
function prepare({ arena, metric, type, dim, count, whole }: Case) {
  const rng = new Rng(dim * 1000 + type * 100 + count * 10 + metric)
  const query = randomValues(rng, dim, whole, type === 2 ? 0 : -7)
  const low = type === 2 ? 0 : -7
  const rows = Array.from({ length: count }, () => randomValues(rng, dim, whole || type > 1, low))
  const stored = storeRows(arena, type, rows, dim)
  const scales = Float32Array.from({ length: count }, () => (whole ? 1 + rng.below(3) : 0.5 + rng.uniform()))
  const run = (kind: number, address: number): Float32Array => {
    const out = arena.allocate(count * 4 + 16)
    arena.f32(out, count + 4).fill(99)
    const scaleAddress = metric === 2 ? put(arena, scales) : 0
    arena.kernels.distances(metric, type, kind, address, dim, stored.address, stored.stride, count, scaleAddress, out)
    expect(Array.from(arena.f32(out + count * 4, 4))).toEqual([99, 99, 99, 99])
    return arena.f32(out, count).slice()
  }
  return { query, stored, scales, run, rng }
}

onEachBinary((open) => {
  test.each(TYPES)('small whole numbers give exact distances, type %i', (type) => {
    const arena = open()
    for (const metric of METRICS) {
      for (const dim of DIMS) {
        for (const count of COUNTS) {
          const { query, stored, scales, run } = prepare({ arena, metric, type, dim, count, whole: true })
          const wanted = distances(metric, query, stored.values, scales)
          expect(Array.from(run(0, storeQuery(arena, query)))).toEqual(wanted)
          if (type > 1) expect(Array.from(run(1, storeIntegerQuery(arena, query)))).toEqual(wanted)
        }
      }
    }
  })

  test.each(TYPES)('floats stay within the rounding bound, type %i', (type) => {
    const arena = open()
    for (const metric of METRICS) {
      for (const dim of DIMS) {
        const { query, stored, scales, run } = prepare({ arena, metric, type, dim, count: 33, whole: false })
        const found = run(0, storeQuery(arena, query))
        stored.values.forEach((row, i) => {
          const error = Math.abs(found[i]! - distance(metric, query, row, scales[i]!))
          expect(error).toBeLessThanOrEqual(tolerance(dim, magnitude(metric, query, row, scales[i]!)))
        })
      }
    }
  })

  test.each(TYPES)('gathered rows give the bits of consecutive ones, for every remainder, type %i', (type) => {
    const arena = open()
    for (const metric of METRICS) {
      for (const dim of DIMS) {
        const { query, stored, scales, run, rng } = prepare({ arena, metric, type, dim, count: 33, whole: false })
        const address = storeQuery(arena, query)
        const all = run(0, address)
        for (const count of COUNTS) {
          const positions = Array.from({ length: count }, () => rng.below(33))
          const out = arena.allocate(count * 4)
          const scaleAddress = put(arena, scales)
          const { address: rows, stride } = stored
          const at = putIntegers(arena, positions)
          arena.kernels.distancesAt(metric, type, 0, address, dim, rows, stride, at, count, scaleAddress, out)
          const found = Array.from(arena.f32(out, count))
          expect(found).toEqual(positions.map((position) => all[position]))
          distancesAt(metric, query, stored.values, positions, scales).forEach((wanted, i) => {
            const bound = tolerance(
              dim,
              magnitude(metric, query, stored.values[positions[i]!]!, scales[positions[i]!]!),
            )
            expect(Math.abs(found[i]! - wanted)).toBeLessThanOrEqual(bound)
          })
        }
      }
    }
  })

  test('whole 8-bit numbers stay exact at any dim and at the ends of their range', () => {
    const arena = open()
    const far = [
      { type: 2, query: 255, row: 0 },
      { type: 2, query: 0, row: 255 },
      { type: 2, query: -255, row: 255 },
      { type: 3, query: 127, row: -128 },
      { type: 3, query: 255, row: -128 },
    ]
    for (const dim of [128, 8191, 8192, 8193, 65_536]) {
      for (const { type, query, row } of far) {
        const values = new Array<number>(dim).fill(query)
        const stored = storeRows(arena, type, [new Array<number>(dim).fill(row)], dim)
        const address = storeIntegerQuery(arena, values)
        const out = arena.allocate(4)
        for (const metric of [0, 1]) {
          arena.kernels.distances(metric, type, 1, address, dim, stored.address, stored.stride, 1, 0, out)
          expect(arena.f32(out, 1)[0]).toBe(Math.fround(distance(metric, values, stored.values[0]!, 1)))
        }
      }
    }
  })

  test('a sum that overflows into NaN is Infinity, and a zero product is not -0', () => {
    const arena = open()
    const query = storeQuery(arena, [1e30, 1e30, 0, 0, 0])
    const rows = storeRows(
      arena,
      0,
      [
        [1e30, -1e30, 0, 0, 0],
        [0, 0, 0, 0, 0],
      ],
      5,
    )
    const out = arena.allocate(8)
    arena.kernels.distances(1, 0, 0, query, 5, rows.address, rows.stride, 2, 0, out)
    expect(Array.from(arena.f32(out, 2))).toEqual([Infinity, 0])
  })

  test('an f16 row of every finite value is widened exactly', () => {
    const arena = open()
    const halves = Array.from({ length: 65_536 }, (_, bits) => bits).filter((bits) => (bits & 0x7c00) !== 0x7c00)
    const address = arena.allocate(halves.length * 2)
    new Uint16Array(arena.memory.buffer, address, halves.length).set(halves)
    const out = arena.allocate(halves.length * 4)
    arena.kernels.widen(1, address, halves.length * 2, 1, halves.length, out, halves.length * 4)
    const signs = halves.map((bits) => (bits & 0x8000 ? -1 : 1))
    const wanted = halves.map((bits, i) => {
      const exponent = (bits >> 10) & 31
      const fraction = bits & 1023
      return signs[i]! * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
    })
    expect(Array.from(arena.f32(out, halves.length))).toEqual(wanted)
  })

  test('scales are read by position, not by place', () => {
    const arena = open()
    const rows = storeRows(arena, 0, [[1], [1], [1]], 1)
    const scales = putFloats(arena, [0.5, 0.25, 0.125])
    const out = arena.allocate(8)
    const positions = putIntegers(arena, [2, 0])
    arena.kernels.distancesAt(2, 0, 0, storeQuery(arena, [1]), 1, rows.address, rows.stride, positions, 2, scales, out)
    expect(Array.from(arena.f32(out, 2))).toEqual([0.875, 0.5])
  })
})
