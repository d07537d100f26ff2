import { expect, test } from '@jest/globals'
import { packSteps, readRow, rowStride, type StoredType } from '../../../build/base/matrix.js'
import { QueryRows, toUnit } from '../../../build/base/stored-queries.js'
import { toHalf } from '../../../build/base/convert.js'
import { Rng } from '../../../build/base/rng.js'

test('a stored row is read as numbers, at its position', () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(256), 64)
  new Float32Array(bytes.buffer, 64 + 32, 3).set([1, 2, 3])
  expect([...readRow(bytes, 2, 'f32', 3)]).toEqual([1, 2, 3])
  new Int8Array(bytes.buffer, 64 + 16, 2).set([-5, 7])
  expect([...readRow(bytes, 1, 'i8', 2)]).toEqual([-5, 7])
  expect([...readRow(bytes, 1, 'u8', 2)]).toEqual([251, 7])
  new Uint16Array(bytes.buffer, 64, 2).set([toHalf(0.25), toHalf(-9)])
  const row = readRow(bytes, 0, 'f16', 2)
  expect([...row]).toEqual([0.25, -9])
  expect(Object.prototype.toString.call(row.buffer)).toBe('[object ArrayBuffer]')
})

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
  const others = Float32Array.from({ length: 2 * dim }, (_, i) => i)
  const plain = new QueryRows({ bytes, type, unit: false, others }, dim)
  const unit = new QueryRows({ bytes, type, unit: true, others }, dim)
  expect([plain.count, unit.count]).toEqual([5, 5])
  rows.forEach((row, i) => {
    const length = Math.hypot(...row)
    if (type !== 'i10') expect([...plain.at(i)]).toEqual(row)
    // In steps of a 511th of the largest component.
    Array.from(unit.at(i)).forEach((value, d) => expect(Math.abs(value - row[d]! / length)).toBeLessThan(0.001))
  })
  for (const reader of [plain, unit]) {
    expect([...reader.at(3)]).toEqual([...others.subarray(0, dim)])
    expect([...reader.at(4)]).toEqual([...others.subarray(dim)])
  }
})

test('queries that are floats already come as they are', () => {
  const reader = new QueryRows(Float32Array.of(1, 2, 3, 4), 2)
  expect(reader.count).toBe(2)
  expect([...reader.at(1)]).toEqual([3, 4])
})

test('a vector of zeros has no unit', () => {
  const zeros = new Float32Array(3)
  toUnit(zeros)
  expect([...zeros]).toEqual([0, 0, 0])
})
