import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { Arena } from '../../../build/kernels/memory.js'
import { NearSearch } from '../../../build/partition/near.js'
import { Points } from '../../../build/partition/points.js'
import { bruteForce, makeTable } from './table.js'

const arena = Arena.create()
const SIZE = 900
const K = 12

describe.each([
  ['f32', 'l2'],
  ['f16', 'ip'],
  ['u8', 'l2'],
  ['u8', 'ip'],
  ['u8', 'cosine'],
  ['i8', 'cosine'],
  ['i10', 'cosine'],
  ['i8', 'l2'],
] as const)('queries over %s rows under %s', (rowType, metric) => {
  test.each([6, 33])('find the nearest of the rows that they look at, of %i components', (dim) => {
    const { table, values } = makeTable(rowType, metric, SIZE, dim)
    const points = new Points(table, arena)
    const rng = new Rng(8)
    for (const whole of [true, false]) {
      // Without ties: a distance and its neighbour differ by more than the last bits hide.
      const queries = Float32Array.from({ length: 9 * dim }, () => rng.below(100) + (whole ? 0 : rng.uniform()))
      const near = new NearSearch(arena, points, queries, K)
      near.look(Uint32Array.of(0, 2, 3, 4, 5, 6, 7, 8), 0, 350)
      near.look(Uint32Array.of(8, 0, 2), 350, SIZE - 350)
      for (let i = 0; i < 9; i++) {
        const seen = i === 1 ? 0 : [0, 2, 8].includes(i) ? SIZE : 350
        const query = queries.subarray(i * dim, (i + 1) * dim)
        const all = bruteForce({ ...table, size: seen }, values, query, K)
        const found = [...near.take(i)]
        expect(found.length).toBe(all.length)
        const distances = new Map(
          bruteForce({ ...table, size: seen }, values, query, seen).map(({ position, distance }) => [
            position,
            distance,
          ]),
        )
        found.forEach((position, j) => {
          const wanted = all[j]!.distance
          expect(Math.abs(distances.get(position)! - wanted)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(wanted)))
        })
        expect(new Set(found).size).toBe(found.length)
      }
      near.close()
    }
    points.close()
  })
})

test('rows far from the origin and near each other are told apart', () => {
  const dim = 16
  const { table, values } = makeTable('f32', 'l2', 400, dim)
  const rows = new Float32Array(table.memory.buffer, table.rows, 400 * dim)
  // In steps of 1/16, which f32 holds at this size.
  rows.forEach((value, i) => (rows[i] = values[i] = 50_000 + Math.round(value) / 16))
  const points = new Points(table, arena)
  const queries = rows.slice(0, 20 * dim)
  const near = new NearSearch(arena, points, queries, K)
  near.look(
    Uint32Array.from({ length: 20 }, (_, i) => i),
    0,
    400,
  )
  for (let i = 0; i < 20; i++) {
    const wanted = bruteForce(table, values, queries.subarray(i * dim, (i + 1) * dim), K)
    expect([...near.take(i)]).toEqual(wanted.map(({ position }) => position))
  }
  near.close()
  points.close()
})
