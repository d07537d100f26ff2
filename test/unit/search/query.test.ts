import { describe, expect, test } from '@jest/globals'
import { toHalf } from '../../../build/base/convert.js'
import type { Metric, RowType } from '../../../build/base/options.js'
import { Arena } from '../../../build/kernels/memory.js'
import { QUERY_FLOAT, QUERY_INTEGER, QueryBuffer } from '../../../build/search/query.js'

const arena = Arena.create()

function buffer(dim: number, metric: Metric, rowType: RowType): QueryBuffer {
  return new QueryBuffer(arena, { dim, metric, rowType }, arena.allocate(QueryBuffer.scratchBytes(dim)))
}

describe('a query', () => {
  test('is itself under l2, and padded with zeros', () => {
    const query = buffer(3, 'l2', 'f32')
    query.load([1, -2, 0.5])
    expect([...arena.f32(query.address, 16)]).toEqual([1, -2, 0.5, ...new Array(13).fill(0)])
    expect([...arena.f32(query.routing, 4)]).toEqual([1, -2, 0.5, 0])
  })

  test('is of unit length under cosine', () => {
    const query = buffer(2, 'cosine', 'f32')
    query.load([3, 4])
    expect([...arena.f32(query.address, 2)]).toEqual([Math.fround(0.6), Math.fround(0.8)])
    expect([...arena.f32(query.routing, 2)]).toEqual([Math.fround(0.6), Math.fround(0.8)])
    query.load([3e-30, 4e-30])
    expect(arena.f32(query.address, 2)[0]).toBeCloseTo(0.6, 6)
  })

  test('is routed at unit length under the inner product, and zeros go anywhere', () => {
    const query = buffer(2, 'ip', 'f32')
    query.load([30, 40])
    expect([...arena.f32(query.address, 2)]).toEqual([30, 40])
    expect([...arena.f32(query.routing, 2)]).toEqual([Math.fround(0.6), Math.fround(0.8)])
    query.load([0, 0])
    expect([...arena.f32(query.routing, 2)]).toEqual([0, 0])
  })

  test('of whole numbers against 8-bit rows takes the integer form, another the float form', () => {
    const cases: [Metric, RowType, number[], number][] = [
      ['l2', 'u8', [0, 255], QUERY_INTEGER],
      ['ip', 'i8', [-128, 127], QUERY_INTEGER],
      ['l2', 'u8', [0, 256], QUERY_FLOAT],
      ['l2', 'i8', [-129, 0], QUERY_FLOAT],
      ['l2', 'u8', [0.5, 1], QUERY_FLOAT],
      ['l2', 'f32', [1, 2], QUERY_FLOAT],
      ['cosine', 'u8', [1, 2], QUERY_FLOAT],
    ]
    for (const [metric, rowType, values, kind] of cases) {
      const query = buffer(2, metric, rowType)
      query.load([0.25, 0.25])
      query.load(values)
      expect([metric, rowType, query.kind]).toEqual([metric, rowType, kind])
      if (kind === QUERY_INTEGER) expect([...arena.i16(query.address, 4)]).toEqual([...values, 0, 0])
    }
  })

  test('of f16 bits is what they stand for', () => {
    const query = buffer(2, 'l2', 'f32')
    query.load(Uint16Array.of(toHalf(1.5), toHalf(-2)))
    expect([...arena.f32(query.address, 2)]).toEqual([1.5, -2])
    expect(() => query.load(Uint16Array.of(0x7c00, 0))).toThrow(/Infinity/)
  })
})
