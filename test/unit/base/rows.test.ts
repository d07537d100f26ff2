import { describe, expect, test } from '@jest/globals'
import { rowStride } from '../../../build/base/matrix.js'
import { convertRows, toHalf } from '../../../build/base/convert.js'
import { openRows, type RowHints, type RowSource } from '../../../build/base/rows.js'

const hints = (more: Partial<RowHints> = {}): RowHints => ({
  argument: 'rows',
  openFile: () => Promise.reject(new Error('no file was expected')),
  ...more,
})

/** All blocks of a source. */
async function read(source: RowSource, rowsPerBlock: number): Promise<{ counts: number[]; values: number[] }> {
  const read = { counts: [] as number[], values: [] as number[] }
  for await (const { data, count } of source.blocks(rowsPerBlock)) {
    expect(data.length).toBe(count * source.dim)
    read.counts.push(count)
    read.values.push(...data)
  }
  return read
}

test('flat rows come in blocks that are views, the last one shorter', async () => {
  const rows = Float32Array.from({ length: 14 }, (_, i) => i)
  const source = await openRows(rows, hints({ dim: 2 }))
  expect(source).toMatchObject({ type: 'f32', dim: 2, size: 7 })
  expect(await read(source, 3)).toEqual({ counts: [3, 3, 1], values: [...rows] })
  for await (const { data } of source.blocks(3)) expect(data.buffer).toBe(rows.buffer)
  // A source can be read again.
  expect((await read(source, 100)).counts).toEqual([7])
})

test('queries of buffers and f16 bits take the type of the rows they are asked of', async () => {
  const halves = Uint16Array.of(toHalf(1), toHalf(2))
  const as = async (rows: never, typeOfBuffers: 'f32' | 'f16' | 'u8'): Promise<string> =>
    (await openRows(rows, hints({ dim: 1, typeOfBuffers }))).type
  expect(await as(halves as never, 'f32')).toBe('f16')
  expect(await as(halves.buffer as never, 'f16')).toBe('f16')
  expect(await as(new ArrayBuffer(8) as never, 'f32')).toBe('f32')
  expect(await as(Buffer.alloc(8) as never, 'u8')).toBe('u8')
  expect(await as(new Int8Array(4) as never, 'u8')).toBe('i8')
})

describe('a stream', () => {
  test('of flat blocks takes the dim of the options, of nested ones that of the first', async () => {
    const flat = (async function* () {
      yield new Uint8Array(6)
      yield Uint8Array.of(1, 2, 3)
    })()
    const source = await openRows(flat, hints({ dim: 3 }))
    expect(source).toMatchObject({ type: 'u8', dim: 3, size: undefined })
    expect(await read(source, 1)).toEqual({ counts: [1, 1, 1], values: [0, 0, 0, 0, 0, 0, 1, 2, 3] })
  })

  test('must keep to one type', async () => {
    const mixed = (async function* () {
      yield new Uint8Array(6)
      yield new Float32Array(3)
    })()
    const source = await openRows(mixed, hints({ dim: 3 }))
    await expect(read(source, 10)).rejects.toMatchObject({ code: 'BATL_INVALID_ARGUMENT', argument: 'rows' })
  })
})

describe('rows of another type', () => {
  const values = Float32Array.of(0, 1, 2, 127)
  test.each(['f32', 'f16', 'u8', 'i8'] as const)('to %s and back are the same', (type) => {
    expect([...convertRows(convertRows(values, 'f32', type), type, 'f32')]).toEqual([...values])
  })
  test('are not copied where the type is the same', () => {
    expect(convertRows(values, 'f32', 'f32')).toBe(values)
  })
  test.each([
    [0.5, 'u8'],
    [-1, 'u8'],
    [256, 'u8'],
    [-129, 'i8'],
    [70_000, 'f16'],
  ] as const)('%d is refused as %s', (value, type) => {
    expect(() => convertRows(Float32Array.of(value), 'f32', type)).toThrow(/component is/)
  })
})

test('rows start at multiples of 16 bytes', () => {
  expect([rowStride('f32', 1), rowStride('f32', 4), rowStride('f32', 5)]).toEqual([16, 16, 32])
  expect([rowStride('f16', 8), rowStride('f16', 9), rowStride('u8', 16), rowStride('i8', 17)]).toEqual([16, 32, 16, 32])
})
