import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { BatlIndex, exactSearch, readVectors, type BuildOptions, type Ids, type Rows } from '../../build/index.js'
import { asType, clusteredRows, failure, temporaryFolder } from './support.js'

const DIM = 5
const SIZE = 37
/** Whole numbers that every row type holds; 1 in the first place, so that no row is zero. */
const VALUES = Array.from({ length: SIZE * DIM }, (_, i) => (i % DIM === 0 ? 1 : (i * 29) % 113))
const NESTED = Array.from({ length: SIZE }, (_, row) => VALUES.slice(row * DIM, (row + 1) * DIM))
const F32 = asType(VALUES, 'f32') as Float32Array
const F16 = asType(VALUES, 'f16') as Uint16Array
const U8 = asType(VALUES, 'u8') as Uint8Array
const I8 = asType(VALUES, 'i8') as Int8Array

/** The same array as a view into the middle of a larger buffer, `shift` bytes from its start. */
function inside<T extends { buffer: ArrayBufferLike; byteOffset: number; byteLength: number; length: number }>(
  array: T,
  shift: number,
): T {
  const bytes = new Uint8Array(array.byteLength + shift + 24).fill(0x5a)
  bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), shift)
  const type = array.constructor as new (buffer: ArrayBuffer, offset: number, length: number) => T
  return new type(bytes.buffer, shift, array.length)
}

function bytesOf(array: ArrayBufferView, shift = 0): Uint8Array {
  return inside(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), shift)
}

function shared(array: ArrayBufferView): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(array.byteLength)
  new Uint8Array(buffer).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  return buffer
}

/** Blocks of some rows each. */
async function* blocks<T>(split: (from: number, to: number) => T, sizes: readonly number[]): AsyncGenerator<T> {
  let from = 0
  for (const size of sizes) {
    yield split(from, (from += size))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const flat = { dim: DIM }
const FORMS: Record<string, { rows: () => Rows; options: BuildOptions; stored?: string }> = {
  Float32Array: { rows: () => F32, options: flat },
  'Float32Array within a buffer': { rows: () => inside(F32, 4), options: flat },
  'Float32Array on shared memory': { rows: () => new Float32Array(shared(F32)), options: flat },
  Float64Array: { rows: () => Float64Array.from(VALUES), options: flat },
  Uint8Array: { rows: () => U8, options: flat },
  'Uint8Array within a buffer': { rows: () => inside(U8, 3), options: flat },
  Int8Array: { rows: () => I8, options: flat },
  'Int8Array within a buffer': { rows: () => inside(I8, 7), options: flat },
  'Uint16Array of f16 bits': { rows: () => F16, options: { ...flat, type: 'f16' } },
  'Uint16Array within a buffer': { rows: () => inside(F16, 6), options: { ...flat, type: 'f16' } },
  'ArrayBuffer of f32': { rows: () => F32.slice().buffer, options: { ...flat, type: 'f32' } },
  'ArrayBuffer of f16': { rows: () => F16.slice().buffer, options: { ...flat, type: 'f16' } },
  'ArrayBuffer of i8': { rows: () => I8.slice().buffer, options: { ...flat, type: 'i8' } },
  'SharedArrayBuffer of f32': { rows: () => shared(F32), options: { ...flat, type: 'f32' } },
  'Buffer of u8': { rows: () => Buffer.from(U8), options: { ...flat, type: 'u8' } },
  'Buffer of f32, unaligned': {
    rows: () => Buffer.from(bytesOf(F32, 1).buffer as ArrayBuffer, 1, F32.byteLength),
    options: { ...flat, type: 'f32' },
  },
  'Buffer of f16, unaligned': {
    rows: () => Buffer.from(bytesOf(F16, 3).buffer as ArrayBuffer, 3, F16.byteLength),
    options: { ...flat, type: 'f16' },
  },
  'number[][]': { rows: () => NESTED, options: {} },
  'number[][] with dim': { rows: () => NESTED, options: flat },
  'number[][] as u8': { rows: () => NESTED, options: { type: 'u8' } },
  'Float32Array[]': { rows: () => NESTED.map((row) => Float32Array.from(row)), options: {} },
  'frozen number[][]': { rows: () => Object.freeze(NESTED.map((row) => Object.freeze(row.slice()))), options: {} },
  'blocks of Float32Array': {
    rows: () => blocks((from, to) => F32.slice(from * DIM, to * DIM), [10, 1, 26]),
    options: flat,
  },
  'blocks that all use one array': {
    rows: () => {
      const block = new Float32Array(DIM)
      return blocks((row) => {
        block.set(NESTED[row]!)
        return block
      }, new Array<number>(SIZE).fill(1))
    },
    options: flat,
  },
  'blocks of number[][]': { rows: () => blocks((from, to) => NESTED.slice(from, to), [36, 1]), options: {} },
  'blocks of Uint16Array': {
    rows: () => blocks((from, to) => F16.slice(from * DIM, to * DIM), [2, 35]),
    options: { ...flat, type: 'f16' },
  },
  'blocks of blocks': {
    rows: () => blocks((from, to) => blocks((a, b) => NESTED.slice(from + a, from + b), [1, to - from - 1]), [12, 25]),
    options: {},
  },
}

describe('rows in every form', () => {
  test.each(Object.entries(FORMS))('%s', async (_, { rows, options }) => {
    const index = await BatlIndex.build(rows(), options)
    expect([index.size, index.dim, index.metric]).toEqual([SIZE, DIM, 'l2'])
    for (let row = 0; row < SIZE; row++) expect([...index.get(row)!]).toEqual(NESTED[row])
    const { ids, distances } = index.search(NESTED[11]!, { k: 1 })
    expect([ids[0], distances[0]]).toEqual([11, 0])
    await index.close()
  })

  test.each(Object.entries(FORMS))('as queries of a batch and of an exact search: %s', async (_, { rows, options }) => {
    const { type } = options
    const base = type === undefined ? F32 : type === 'f16' ? F16 : type === 'u8' ? U8 : type === 'i8' ? I8 : F32
    const index = await BatlIndex.build(base, { dim: DIM, ...(type === 'f16' && { type }) })
    const batch = await index.searchBatch(rows(), { k: 2 })
    expect([...batch.offsets]).toEqual(Array.from({ length: SIZE + 1 }, (_, i) => 2 * i))
    const one = NESTED.map((row) => index.search(row, { k: 2 }))
    expect([...batch.ids]).toEqual(one.flatMap(({ ids }) => [...ids]))
    expect([...batch.distances]).toEqual(one.flatMap(({ distances }) => [...distances]))
    const exact = await exactSearch(base, rows(), { dim: DIM, k: 2, threads: 1, ...(type === 'f16' && { type }) })
    expect(exact).toEqual(batch)
    expect(await index.evaluate(rows(), { k: 2 })).toMatchObject({ recall: 1, k: 2 })
    await index.close()
  })

  test('without a type, a buffer or Uint16Array is refused, and a type that contradicts the array too', async () => {
    const cases: [Rows, BuildOptions][] = [
      [F16, flat],
      [F32.slice().buffer, flat],
      [Buffer.from(U8), flat],
      [shared(U8), flat],
      [F32, { ...flat, type: 'f16' }],
      [I8, { ...flat, type: 'u8' }],
      [F16, { ...flat, type: 'f32' }],
    ]
    for (const [rows, options] of cases) {
      const error = await failure(() => BatlIndex.build(rows, options))
      expect(error).toMatchObject({ code: 'BATL_INVALID_ARGUMENT', argument: 'type' })
    }
  })
})

describe('ids that come with the blocks of a stream', () => {
  const stream = (ids: (from: number, to: number) => Ids): Rows =>
    blocks((from, to) => ({ rows: F32.slice(from * DIM, to * DIM), ids: ids(from, to) }), [5, 12, 20])

  test.each<[string, (row: number) => number | bigint | string]>([
    ['numbers', (row) => row * 10],
    ['bigints', (row) => BigInt(row) - 5n],
    ['strings', (row) => `w${row}`],
  ])('%s', async (_, idOf) => {
    const index = await BatlIndex.build(
      stream((from, to) => Array.from({ length: to - from }, (_, i) => idOf(from + i)) as Ids),
      flat,
    )
    for (const row of [0, 4, 5, 16, 17, 36]) {
      expect(index.search(NESTED[row]!, { k: 1 }).ids[0]).toBe(idOf(row))
      expect([...index.get(idOf(row) as never)!]).toEqual(NESTED[row])
    }
    await index.close()
  })

  test.each<[string, (from: number, to: number) => unknown]>([
    ['with some blocks only', (from, to) => (from === 0 ? Array.from({ length: to }, (_, i) => i) : undefined)],
    ['too few for a block', (from, to) => Array.from({ length: to - from - 1 }, (_, i) => from + i)],
    ['the same in two blocks', (from, to) => Array.from({ length: to - from }, (_, i) => i)],
    ['of two kinds', (from, to) => Array.from({ length: to - from }, (_, i) => (from === 0 ? i : `${i}`))],
  ])('are refused %s', async (_, ids) => {
    const error = await failure(() => BatlIndex.build(stream(ids as never), flat))
    expect(error).toMatchObject({ code: 'BATL_INVALID_ARGUMENT', argument: 'ids' })
  })
})

describe("the caller's arrays", () => {
  test('are neither changed nor detached, and may be changed once the build is done', async () => {
    const rows = F32.slice()
    const ids = Float64Array.from({ length: SIZE }, (_, row) => row + 100)
    const buffer = F32.slice().buffer
    const index = await BatlIndex.build(rows, { dim: DIM, metric: 'cosine', ids })
    const other = await BatlIndex.build(buffer, { dim: DIM, type: 'f32', metric: 'cosine' })
    expect(rows).toEqual(F32)
    expect(new Float32Array(buffer)).toEqual(F32)
    expect(ids[3]).toBe(103)
    const before = index.search(NESTED[2]!)
    const bytes = index.toBytes()
    rows.fill(0)
    ids.fill(0)
    new Uint8Array(buffer).fill(0)
    expect(index.search(NESTED[2]!)).toEqual(before)
    expect(index.toBytes()).toEqual(bytes)
    expect(other.search(NESTED[2]!).distances).toEqual(before.distances)
    expect([...other.get(2)!]).toEqual(NESTED[2])
    await Promise.all([index.close(), other.close()])
  })

  test.each<[string, Rows & { slice(): Rows }, BuildOptions]>([
    ['Float32Array', F32, flat],
    ['Float64Array', Float64Array.from(VALUES), flat],
    ['Uint8Array', U8, flat],
    ['Int8Array', I8, flat],
    ['Uint16Array', F16, { ...flat, type: 'f16' }],
    ['ArrayBuffer', F32.slice().buffer, { ...flat, type: 'f32' }],
    ['SharedArrayBuffer', shared(F32), { ...flat, type: 'f32' }],
  ])('%s: as rows, queries and ground truth on threads, none is detached', async (_, given, options) => {
    const bytes = (rows: Rows): number[] =>
      Array.from(ArrayBuffer.isView(rows) ? bytesOf(rows as Uint8Array) : new Uint8Array(rows as ArrayBuffer))
    const [rows, queries] = [given, given.slice()]
    const before = bytes(rows)
    const index = await BatlIndex.build(rows, { ...options, queries, threads: 2 })
    const { ids } = await index.searchBatch(queries, { threads: 2, k: 1 })
    await index.evaluate(queries, { k: 1, groundTruth: { ids, k: 1 } })
    await exactSearch(rows, queries, { ...options, threads: 2 } as Parameters<typeof exactSearch>[2])
    await index.close()
    expect(ids.length).toBe(SIZE)
    expect([bytes(rows), bytes(queries)]).toEqual([before, before])
  })

  test('of a tree that is trained on threads are not detached either, nor are bytes that are opened', async () => {
    const rows = clusteredRows(4200, DIM) as Float32Array
    const [before, log] = [rows.slice(), rows.slice(0, 500 * DIM)]
    const index = await BatlIndex.build(rows, { dim: DIM, queries: log, trainer: 'wasm', threads: 2 })
    const bytes = index.toBytes()
    const opened = await BatlIndex.fromBytes(bytes.buffer)
    await opened.searchBatch(log, { threads: 2 })
    expect(rows).toEqual(before)
    expect(log).toEqual(before.subarray(0, 500 * DIM))
    expect(bytes).toEqual(opened.toBytes())
    await Promise.all([index.close(), opened.close()])
  })

  test('what the index hands out is a copy', async () => {
    const index = await BatlIndex.build(F32, { dim: DIM })
    const wanted = index.search(NESTED[0]!)
    index.get(0)!.fill(9)
    index.toBytes().fill(9)
    const { ids, distances } = index.search(NESTED[0]!)
    ids.fill(9)
    distances.fill(9)
    expect(index.search(NESTED[0]!)).toEqual(wanted)
    expect([...index.get(0)!]).toEqual(NESTED[0])
    await index.close()
  })

  test('a stream is ended when a block of it is refused', async () => {
    let ended = 0
    const wrong = async function* (first: boolean): AsyncGenerator<Rows> {
      try {
        if (!first) yield NESTED.slice(0, 2)
        yield [[1, Number.NaN, 3, 4]]
        yield [[1, 2, 3, 4]]
      } finally {
        ended++
      }
    }
    await failure(() => BatlIndex.build(wrong(true)))
    await failure(() => BatlIndex.build(wrong(false)))
    expect(ended).toBe(2)
    const unreadable = async function* (): AsyncGenerator<Rows> {
      try {
        yield Buffer.from(U8)
      } finally {
        ended++
      }
    }
    await failure(() => BatlIndex.build(unreadable(), flat))
    expect(ended).toBe(3)
  })

  test("an error of the caller's own stream comes through as it is", async () => {
    const mine = new Error('the disk is on fire')
    const stream = async function* (): AsyncGenerator<Rows> {
      yield NESTED.slice(0, 3)
      throw mine
    }
    expect(await failure(() => BatlIndex.build(stream()))).toBe(mine)
  })
})

describe('storage', () => {
  test.each([
    ['f32', 'f16'],
    ['f32', 'u8'],
    ['f32', 'i8'],
    ['u8', 'f32'],
    ['i8', 'f16'],
    ['f16', 'f32'],
    ['f16', 'u8'],
  ] as const)('keeps %s rows as %s', async (from, to) => {
    const given = { dim: DIM, ...(from === 'f16' && { type: from }) }
    const index = await BatlIndex.build(asType(VALUES, from), { ...given, storage: to })
    const stored = { f32: F32, f16: F16, u8: U8, i8: I8 }[to]
    const wanted = await exactSearch(stored, F32.subarray(0, 50), { dim: DIM, type: to, threads: 1 })
    expect(await index.searchBatch(F32.subarray(0, 50))).toEqual(wanted)
    expect(index.stats().bytes.rows).toBe(SIZE * { f32: 32, f16: 16, u8: 16, i8: 16 }[to])
    await index.close()
  })

  test.each([
    [[[0.5]], 'u8'],
    [[[256]], 'u8'],
    [[[-1]], 'u8'],
    [[[128]], 'i8'],
    [[[1e5]], 'f16'],
  ] as const)('%o does not fit %s', async (rows, storage) => {
    const error = await failure(() => BatlIndex.build(rows, { storage }))
    expect(error).toMatchObject({ code: 'BATL_INVALID_ARGUMENT', argument: 'storage' })
  })
})

describe('rows in a file', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  beforeAll(async () => {
    folder = await temporaryFolder()
    const header = Buffer.from(Uint32Array.of(SIZE, DIM).buffer)
    await writeFile(folder.path('rows.fbin'), Buffer.concat([header, Buffer.from(F32.buffer)]))
    await writeFile(folder.path('rows.f16bin'), Buffer.concat([header, Buffer.from(F16.buffer)]))
  })
  afterAll(() => folder.remove())

  test.each(['rows.fbin', 'rows.f16bin'])('are read by name and by URL: %s', async (name) => {
    for (const rows of [folder.path(name), pathToFileURL(folder.path(name))]) {
      const index = await BatlIndex.build(rows)
      for (const row of [0, 20, 36]) expect([...index.get(row)!]).toEqual(NESTED[row])
      const batch = await index.searchBatch(rows, { k: 1 })
      expect([...batch.distances]).toEqual(new Array(SIZE).fill(0))
      await index.close()
    }
    const { rows, type, dim, size } = await readVectors(folder.path(name))
    expect([type, dim, size, rows.length]).toEqual([name === 'rows.fbin' ? 'f32' : 'f16', DIM, SIZE, SIZE * DIM])
    const index = await BatlIndex.build(rows, { dim, type })
    // f16 as it was read is a query as it is.
    expect(index.search(rows.subarray(3 * DIM, 4 * DIM), { k: 1 })).toMatchObject({ distances: Float32Array.of(0) })
    await index.close()
  })

  test('files are blocks of a stream as well, with ids or without', async () => {
    const path = folder.path('rows.fbin')
    async function* files(): AsyncGenerator<Rows | { rows: Rows; ids: Ids }> {
      yield { rows: path, ids: Uint32Array.from({ length: SIZE }, (_, row) => row) }
      yield { rows: pathToFileURL(path), ids: Float64Array.from({ length: SIZE }, (_, row) => 100 + row) }
    }
    const index = await BatlIndex.build(files())
    expect(index.size).toBe(2 * SIZE)
    for (const row of [0, 20, 36]) {
      expect([...index.get(row)!]).toEqual(NESTED[row])
      expect([...index.get(100 + row)!]).toEqual(NESTED[row])
    }
    await index.close()
  })

  test('a missing file, a wrong dim and a wrong type are refused', async () => {
    const missing = await failure(() => BatlIndex.build(folder.path('none.fbin')))
    expect(missing).toMatchObject({ code: 'BATL_INVALID_ARGUMENT', argument: 'path' })
    const dim = await failure(() => BatlIndex.build(folder.path('rows.fbin'), { dim: 6 }))
    expect(dim).toMatchObject({ code: 'BATL_DIMENSION_MISMATCH', expected: 6, received: DIM })
    const type = await failure(() => BatlIndex.build(folder.path('rows.fbin'), { type: 'u8' }))
    expect(type).toMatchObject({ code: 'BATL_INVALID_ARGUMENT', argument: 'type' })
  })
})
