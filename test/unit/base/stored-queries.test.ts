import { expect, test } from '@jest/globals'
import { readRow } from '../../../build/base/matrix.js'
import { toUnit } from '../../../build/base/stored-queries.js'
import { toHalf } from '../../../build/base/convert.js'

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

test('a vector of zeros has no unit', () => {
  const zeros = new Float32Array(3)
  toUnit(zeros)
  expect([...zeros]).toEqual([0, 0, 0])
})
