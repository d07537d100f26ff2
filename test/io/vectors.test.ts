import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as pathOf } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openVectors, readVectors } from '../../build/io/vectors.js'
import { bin, join, npy, packed, vecs } from './files.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(pathOf(tmpdir(), 'batl-vectors-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0
async function save(name: string, content: Uint8Array): Promise<string> {
  const path = pathOf(folder, `${count++}-${name}`)
  await writeFile(path, content)
  return path
}

const f32 = Float32Array.of(1, -2.5, 3, 4, 5e-3, 6)
const u8 = Uint8Array.of(1, 2, 3, 253, 254, 255)
const i8 = Int8Array.of(1, -2, 3, -128, 127, 0)
const f16 = Uint16Array.of(0x3c00, 0x8001, 3, 4, 0x7bff, 6)
const i32 = Int32Array.of(1, -2, 3, 4, 1 << 24, -(1 << 24))
const f64 = Float64Array.of(1, 0.1, 3, 4, -5, 6)
const exact = Float32Array.from(i32)

const FILES: [string, Buffer, string, ArrayLike<number>][] = [
  ['a.fbin', bin(2, 3, f32), 'f32', f32],
  ['a.u8bin', bin(2, 3, u8), 'u8', u8],
  ['a.i8bin', bin(2, 3, i8), 'i8', i8],
  ['a.f16bin', bin(2, 3, f16), 'f16', f16],
  ['a.ibin', bin(2, 3, i32), 'f32', exact],
  ['a.fvecs', vecs([f32.subarray(0, 3), f32.subarray(3)]), 'f32', f32],
  ['a.bvecs', vecs([u8.subarray(0, 3), u8.subarray(3)]), 'u8', u8],
  ['a.ivecs', vecs([i32.subarray(0, 3), i32.subarray(3)]), 'f32', exact],
  ['f4.npy', npy('<f4', '(2, 3)', f32), 'f32', f32],
  ['f8.npy', npy('<f8', '(2, 3)', f64, 2), 'f32', Float32Array.from(f64)],
  ['f2.npy', npy('<f2', '(2, 3)', f16, 3), 'f16', f16],
  ['u1.npy', npy('|u1', '(2, 3)', u8), 'u8', u8],
  ['i1.npy', npy('|i1', '(2, 3)', i8), 'i8', i8],
]

describe('readVectors and openVectors', () => {
  test.each(FILES)('read %s, plain and packed, whole and in blocks', async (name, content, type, values) => {
    for (const path of [await save(name, content), await save(`${name}.gz`, packed(content))]) {
      const whole = await readVectors(path)
      expect(whole).toMatchObject({ type, dim: 3, size: 2 })
      expect(Array.from(whole.rows)).toEqual(Array.from(values))
      const source = await openVectors(pathToFileURL(path))
      expect(source).toMatchObject({ type, dim: 3, size: /vecs\.gz$/.test(path) ? undefined : 2 })
      for (let pass = 0; pass < 2; pass++) {
        const blocks: number[][] = []
        for await (const block of source.blocks(1)) blocks.push(Array.from(block))
        expect(blocks).toEqual([Array.from(values).slice(0, 3), Array.from(values).slice(3)])
      }
    }
  })

  test('blocks follow each other without a gap, whatever their size', async () => {
    const values = Uint8Array.from({ length: 7 * 1003 }, (_, i) => (i * 37) & 255)
    for (const path of [
      await save('b.u8bin', bin(1003, 7, values)),
      await save('b.u8bin.gz', packed(bin(1003, 7, values))),
    ]) {
      for (const rows of [1, 10, 1003, 5000]) {
        const parts: ArrayBufferView[] = []
        for await (const block of (await openVectors(path)).blocks(rows)) parts.push(block)
        expect(parts.length).toBe(Math.ceil(1003 / rows))
        expect(Buffer.compare(join(...parts), values)).toBe(0)
      }
    }
  })

  test('blocks that are done with can make room for the next', async () => {
    const values = Uint8Array.from({ length: 7 * 1003 }, (_, i) => (i * 37) & 255)
    const path = await save('r.u8bin', bin(1003, 7, values))
    const parts: Uint8Array[] = []
    const buffers = new Set<ArrayBufferLike>()
    for await (const block of (await openVectors(path)).blocks(100, true)) {
      parts.push(Uint8Array.from(block))
      buffers.add(block.buffer)
    }
    expect(Buffer.compare(join(...parts), values)).toBe(0)
    expect(buffers.size).toBe(1)
  })

  test('reading can stop after a block', async () => {
    const path = await save('c.u8bin.gz', packed(bin(1000, 8, new Uint8Array(8000))))
    const blocks = (await openVectors(path)).blocks(10)[Symbol.asyncIterator]()
    expect((await blocks.next()).value).toHaveLength(80)
    await blocks.return!()
    expect(await blocks.next()).toEqual({ done: true, value: undefined })
  })
})

describe('a vector file that is not what it says', () => {
  const format = (text: string, offset?: number): object => ({
    code: 'BATL_FORMAT',
    message: expect.stringContaining(text),
    ...(offset === undefined ? {} : { offset }),
  })
  const f3 = (value: number): Float32Array => new Float32Array(3).fill(value)
  const huge = Uint32Array.of(0xffffffff, 65_536)
  const FAULTS: [string, string, Buffer, object][] = [
    ['truncated', 'a.fbin', bin(2, 3, f32).subarray(0, 31), format('truncated', 31)],
    ['with extra bytes', 'a.fbin', bin(2, 3, f32, Uint8Array.of(0)), format('extra bytes', 32)],
    ['empty', 'a.u8bin', Buffer.alloc(0), format('ends in the middle of its header')],
    ['of no rows', 'a.u8bin', bin(0, 3), format('holds no vectors', 0)],
    ['of dimension 0', 'a.u8bin', bin(3, 0), format('0 components', 4)],
    ['of dimension 65,537', 'a.u8bin', bin(1, 65_537, new Uint8Array(65_537)), format('65537 components', 4)],
    ['with a lying count', 'a.fbin', join(huge, f32), format('promises 4294967295 vectors')],
    ['packed, with a lying count', 'a.fbin.gz', packed(join(huge, f32)), format('more than')],
    [
      'packed, with a count that lies a little',
      'a.fbin.gz',
      packed(bin(3, 3, f32)),
      format('ends in the middle of rows', 32),
    ],
    ['packed, with extra bytes', 'a.fbin.gz', packed(bin(1, 3, f32)), format('goes on after its 1 rows', 20)],
    ['ragged', 'a.fvecs', join(vecs([f3(1)]), vecs([f3(2)], 2)), format('states 2 components in row 1', 16)],
    ['ragged at its end', 'a.fvecs', vecs([f3(1), Float32Array.of(2)]), format('no whole number of rows', 16)],
    [
      'packed and ragged at its end',
      'a.fvecs.gz',
      packed(vecs([f3(1), Float32Array.of(2)])),
      format('ends in the middle of row 1'),
    ],
    ['of negative dimension', 'a.fvecs', vecs([f3(1)], -3), format('-3 components', 0)],
    ['empty', 'a.fvecs', Buffer.alloc(0), format('holds no vectors')],
    ['a ground truth', 'a.ibin', bin(2, 3, i32, f32), format('ground truth', 32)],
    ['of integers that f32 cannot hold', 'a.ibin', bin(1, 2, Int32Array.of(1, (1 << 24) + 1)), format('16777217')],
    ['no gzip', 'a.u8bin.gz', bin(2, 3, u8), format('damaged gzip')],
    ['gzip cut short', 'a.u8bin.gz', packed(bin(2, 3, u8)).subarray(0, 20), format('middle of its gzip data')],
    ['no .npy', 'a.npy', bin(2, 3, f32), format('is no .npy file', 0)],
    ['by columns', 'a.npy', npy('<f4', '(2, 3)', f32, 1, 'True'), format('ascontiguousarray')],
    ['of one dimension', 'a.npy', npy('<f4', '(6,)', f32), format('reshape(-1, dim)')],
    ['of three dimensions', 'a.npy', npy('<f4', '(2, 3, 1)', f32), format('reshape(-1, dim)')],
    ['big-endian', 'a.npy', npy('>f4', '(2, 3)', f32), format("astype('<f4')")],
    ['of another type', 'a.npy', npy('<i8', '(2, 3)', f64), format('astype(numpy.float32)')],
    ['truncated', 'a.npy', npy('<f4', '(3, 3)', f32), format('truncated')],
    [
      'with a long header',
      'a.npy',
      join(npy('<f4', '(2, 3)', f32, 2).subarray(0, 8), Uint32Array.of(1 << 30)),
      format('header of 1073741824'),
    ],
  ]
  test.each(FAULTS)('%s: %s', async (_, name, content, error) => {
    await expect(readVectors(await save(name, content))).rejects.toMatchObject(error)
  })

  test('of unknown or missing name', async () => {
    const bad = (text: string): object => ({
      code: 'BATL_INVALID_ARGUMENT',
      argument: 'path',
      message: expect.stringContaining(text),
    })
    await expect(readVectors('x.fbim')).rejects.toMatchObject(bad('did you mean .fbin?'))
    await expect(readVectors('x.txt.gz')).rejects.toMatchObject(bad('known are .fbin, .u8bin'))
    await expect(readVectors('folder.d/none')).rejects.toMatchObject(bad('each also .gz'))
    await expect(readVectors(pathOf(folder, 'none.fbin'))).rejects.toMatchObject(bad('no such file'))
  })
})
