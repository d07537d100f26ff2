import { expect, test } from '@jest/globals'
import { rowStride, type StoredType } from '../../build/base/matrix.js'
import { Rng } from '../../build/base/rng.js'
import { loadBuildKernels } from '../../build/kernels/load-build.js'
import { QueryRows } from '../../build/train/query-rows.js'
import { packSteps } from '../reference/steps.js'

await loadBuildKernels()

/** Rows [3 * dim] in the bytes of a type, and as numbers. */
function stored(type: StoredType, dim: number): { bytes: Uint8Array; rows: number[][] } {
  const rng = new Rng(dim)
  const stride = rowStride(type, dim)
  const bytes = new Uint8Array(3 * stride)
  const rows = Array.from({ length: 3 }, (_, n) => {
    const row = Array.from({ length: dim }, () => rng.below(100) + 1)
    if (type === 'u8') bytes.set(row, n * stride)
    else if (type === 'f32') new Float32Array(bytes.buffer, n * stride, dim).set(row)
    else packSteps(row, bytes.subarray(n * stride, (n + 1) * stride))
    return row
  })
  return { bytes, rows }
}

test.each(['u8', 'f32', 'i10'] as const)('queries stored as %s come as floats, then the others', (type) => {
  const dim = 70
  const { bytes, rows } = stored(type, dim)
  const others = Float32Array.from({ length: 3 * dim }, (_, i) => i + 1)
  const otherRows = Uint32Array.of(2, 0)
  const at = (reader: QueryRows, i: number): number[] => [
    ...reader.read(Uint32Array.of(0, i)).subarray(reader.width, reader.width + dim),
  ]
  const plain = new QueryRows({ bytes, type, unit: false, others, otherRows: Uint32Array.of(0, 1, 2) }, dim)
  const unit = new QueryRows({ bytes, type, unit: true, others, otherRows }, dim)
  expect([plain.count, unit.count]).toEqual([6, 5])
  rows.forEach((row, i) => {
    const length = Math.hypot(...row)
    if (type !== 'i10') expect(at(plain, i)).toEqual(row)
    // In steps of a 511th of the largest component.
    at(unit, i).forEach((value, d) => expect(Math.abs(value - row[d]! / length)).toBeLessThan(0.001))
  })
  const other = (row: number): number[] => [...others.subarray(row * dim, (row + 1) * dim)]
  expect([3, 4, 5].map((i) => at(plain, i))).toEqual([0, 1, 2].map(other))
  otherRows.forEach((row, i) => {
    const length = Math.hypot(...other(row))
    at(unit, 3 + i).forEach((value, d) => expect(value).toBeCloseTo(other(row)[d]! / length, 6))
  })
})

test('queries that are floats already come as they are', () => {
  const reader = new QueryRows(Float32Array.of(1, 2, 3, 4), 2)
  expect(reader.count).toBe(2)
  const values = reader.read(Uint32Array.of(1))
  expect([...values]).toEqual([3, 4, 0, 0])
  reader.subtract(Float32Array.of(1, 2), 1)
  reader.multiply(0.5, 1)
  expect([...values]).toEqual([1, 1, 0, 0])
  expect([...reader.read(Uint32Array.of(1, 0))]).toEqual([3, 4, 0, 0, 1, 2, 0, 0])
})

test.each([1e-20, 1e25])(
  'rows of a size of %p are brought to unit length, and zeros stay; their squares add up',
  (size) => {
    const rows = Float32Array.of(3 * size, 4 * size, 0, 0)
    const bytes = new Uint8Array(2 * rowStride('f32', 2))
    bytes.set(new Uint8Array(rows.buffer, 0, 8))
    const none = { others: new Float32Array(0), otherRows: new Uint32Array(0) }
    const reader = new QueryRows({ bytes, type: 'f32', unit: true, ...none }, 2)
    const found = reader.read(Uint32Array.of(0, 1))
    expect(found[0]).toBeCloseTo(0.6, 6)
    expect(found[1]).toBeCloseTo(0.8, 6)
    expect([...found.subarray(2)]).toEqual([0, 0, 0, 0, 0, 0])
    const plain = new QueryRows({ bytes, type: 'f32', unit: false, ...none }, 2)
    plain.read(Uint32Array.of(0, 1))
    expect(plain.sumOfSquares(2) / size / size).toBeCloseTo(25, 4)
  },
)
