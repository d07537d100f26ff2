import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { BatlIndex, type IdArray, type Ids } from '../../build/index.js'
import { clusteredRows, failure } from './support.js'

const DIM = 5
const small = clusteredRows(60, DIM, 'f32') as Float32Array
const large = clusteredRows(4200, DIM, 'f32') as Float32Array

/** Kinds that are also tried in an index with a tree, where rows are moved. */
const WITH_TREE = ['row numbers', 'bigint[]', 'string[]']

/** Ids of each kind for a number of rows, and values that stand for no row. */
const KINDS: Record<string, { make: (count: number) => Ids | undefined; tag: string; strangers: readonly unknown[] }> =
  {
    'row numbers': {
      make: () => undefined,
      tag: 'Uint32Array',
      strangers: [-1, 0.5, 4200, NaN, '0', 0n, undefined, null],
    },
    'number[]': {
      make: (count) => Array.from({ length: count }, (_, row) => 1e12 - row * 2.5),
      tag: 'Float64Array',
      strangers: [0, 1e12 + 1, NaN, Infinity, '1000000000000', 1_000_000_000_000n, null],
    },
    Float64Array: {
      make: (count) => Float64Array.from({ length: count }, (_, row) => -row - 1),
      tag: 'Float64Array',
      strangers: [1, -0, -0.5, '-1', -1n],
    },
    Uint32Array: {
      make: (count) => Uint32Array.from({ length: count }, (_, row) => 4_000_000_000 - row),
      tag: 'Float64Array',
      strangers: [0, -1, 2 ** 32, '4000000000'],
    },
    'bigint[]': {
      make: (count) => Array.from({ length: count }, (_, row) => (1n << 62n) - BigInt(row)),
      tag: 'BigInt64Array',
      strangers: [0n, 1n << 63n, 1n << 70n, Number(1n << 62n), '1'],
    },
    BigInt64Array: {
      make: (count) => BigInt64Array.from({ length: count }, (_, row) => BigInt(row) * -7n),
      tag: 'BigInt64Array',
      strangers: [1n, 0, -7, '0'],
    },
    'string[]': {
      make: (count) => Array.from({ length: count }, (_, row) => (row === 0 ? '' : `wörd 🙂 ${row}`)),
      tag: 'Array',
      strangers: ['wörd', 'wörd 🙂 0', '\ud83d', 0, 1, 0n, undefined],
    },
  }

async function build(rows: Float32Array, ids: Ids | undefined): Promise<BatlIndex<IdArray>> {
  return (await BatlIndex.build(rows, { dim: DIM, trainer: 'wasm', ...(ids && { ids }) })) as BatlIndex<IdArray>
}

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

describe.each(Object.entries(KINDS))('ids given as %s', (kind, { make, tag, strangers }) => {
  let indexes: { index: BatlIndex<IdArray>; rows: Float32Array; ids: ArrayLike<unknown> }[]
  beforeAll(async () => {
    indexes = []
    for (const rows of WITH_TREE.includes(kind) ? [small, large] : [small]) {
      const count = rows.length / DIM
      const ids = make(count)
      const built = await build(rows, ids)
      const opened = await BatlIndex.fromBytes<IdArray>(built.toBytes())
      const attached = (await BatlIndex.attach(built.share())) as BatlIndex<IdArray>
      const known = ids ?? Uint32Array.from({ length: count }, (_, row) => row)
      for (const index of [built, opened, attached]) indexes.push({ index, rows, ids: known })
    }
  })
  afterAll(() => Promise.all(indexes.map(({ index }) => index.close())))

  test('come back as such, for the right rows', async () => {
    for (const { index, rows, ids } of indexes) {
      for (const row of [0, 1, 31, rows.length / DIM - 1]) {
        const query = rows.subarray(row * DIM, (row + 1) * DIM)
        const found = index.search(query, { k: 3 })
        expect(tagOf(found.ids)).toBe(tag)
        expect(found.ids[0]).toBe(ids[row])
        expect(found.distances[0]).toBe(0)
        const batch = await index.searchBatch(query, { k: 3, threads: 1 })
        expect(batch).toEqual({ ...found, offsets: Uint32Array.of(0, 3) })
      }
    }
  })

  test('has and get know every row by its id, and no stranger', () => {
    for (const { index, rows, ids } of indexes) {
      for (let row = 0; row < ids.length; row += 7) {
        expect(index.has(ids[row] as never)).toBe(true)
        expect(index.get(ids[row] as never)).toEqual(rows.slice(row * DIM, (row + 1) * DIM))
      }
      for (const stranger of strangers) {
        expect([stranger, index.has(stranger as never)]).toEqual([stranger, false])
        expect(index.get(stranger as never)).toBeUndefined()
      }
    }
  })

  test('searchById gives the neighbours of a row without the row itself', async () => {
    for (const { index, rows, ids } of indexes) {
      for (const row of [0, 5, 59]) {
        const query = rows.subarray(row * DIM, (row + 1) * DIM)
        const all = index.search(query, { k: 8, recall: 1 })
        const others = index.searchById(ids[row] as never, { k: 7, recall: 1 })
        expect(tagOf(others.ids)).toBe(tag)
        expect([...(others.ids as Iterable<unknown>)]).toEqual([...(all.ids as Iterable<unknown>)].slice(1))
        expect(others.distances).toEqual(all.distances.slice(1))
        expect(index.searchById(ids[row] as never).ids.length).toBe(10)
        expect(index.searchById(ids[row] as never, { k: 10_000 }).ids.length).toBe(ids.length - 1)
      }
      const error = await failure(() => index.searchById(strangers[0] as never))
      expect(error).toMatchObject({ code: 'BATL_INVALID_ARGUMENT', argument: 'id' })
    }
  })
})

test('searchById leaves the row itself out among rows equal to it, and where it is not its own nearest', async () => {
  const same = await BatlIndex.build(new Float32Array(40), { dim: 4 })
  for (const row of [0, 7, 9]) {
    const { ids } = same.searchById(row, { k: 5 })
    expect([...ids]).toEqual([0, 1, 2, 3, 4, 5].filter((id) => id !== row).slice(0, 5))
  }
  // Under the inner product the longest row is the nearest of all.
  const inner = await BatlIndex.build([[1], [2], [9], [4]], { metric: 'ip' })
  expect([...inner.searchById(0, { k: 2 }).ids]).toEqual([2, 3])
  expect([...inner.searchById(2, { k: 2 }).ids]).toEqual([3, 1])
  await Promise.all([same.close(), inner.close()])
})

describe('ids that are refused', () => {
  test.each<[string, unknown, RegExp]>([
    ['a number twice', [1, 2, 1], /id 1 stands for row 0 and for row 2/],
    ['a bigint twice', [5n, 5n, 6n], /id 5 stands for row 0 and for row 1/],
    ['a string twice', ['a', 'b', 'b'], /id b stands for row 1 and for row 2/],
    ['the two zeros', [0, -0, 1], /unique/],
    ['too few', [1, 2], /2 ids for 3 rows/],
    ['too many', ['a', 'b', 'c', 'd'], /4 ids for 3 rows/],
    ['mixed kinds', [1, 'b', 3], /number and string/],
    ['NaN', [1, NaN, 3], /NaN/],
    ['objects', [{}, {}, {}], /no number, bigint or string/],
    ['a bigint beyond 64 bits', [1n, 1n << 64n, 2n], /64 bits/],
    ['half a surrogate pair', ['a', '\ud83d', 'c'], /surrogate/],
    ['a number', 7, /ids/],
    ['null', null, /ids/],
  ])('%s', async (_, ids, message) => {
    const error = await failure(() => BatlIndex.build([[1], [2], [3]], { ids: ids as never }))
    expect(error).toMatchObject({ code: 'BATL_INVALID_ARGUMENT', argument: 'ids' })
    expect(error.message).toMatch(message)
  })
})
