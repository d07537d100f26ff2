import { describe, expect, test } from '@jest/globals'
import { decodeIds, encodeIds, IdTable, type StoredIds } from '../../build/format/ids.js'
import { Pace } from '../../build/format/pace.js'

const table = (ids: StoredIds): Promise<IdTable> =>
  IdTable.build(ids, new Pace(), (row, first) => new Error(`row ${row} repeats row ${first}`))

describe('string ids', () => {
  test('come back as they were given, byte order marks and all', async () => {
    const ids = ['', 'a', '\ufeffa', 'ä', 'a\u0308', '漢字', '🙂', 'x'.repeat(10_000), '\0']
    const stored = await encodeIds(ids, new Pace())
    expect(
      decodeIds(
        stored,
        ids.map((_, row) => row),
      ),
    ).toEqual(ids)
    expect(decodeIds(stored, Uint32Array.of(5, 1))).toEqual(['漢字', 'a'])
    const rows = await table(stored)
    expect(ids.map((id) => rows.find(id))).toEqual(ids.map((_, row) => row))
    for (const other of ['b', 'aa', '\ud800', 1, 1n]) expect(rows.find(other)).toBe(-1)
  })

  test('come back from many that are encoded together, and from long ones that are not', async () => {
    const letters = ['a', 'é', '漢', '🙂', '']
    const ids = Array.from(
      { length: 9000 },
      (_, row) => `${letters[row % 5]}${row}${'ü'.repeat(row % 977 ? 0 : 70_000)}`,
    )
    const stored = await encodeIds(ids, new Pace())
    expect(stored.bytes.length).toBe(Buffer.byteLength(ids.join('')))
    expect(decodeIds(stored, [...ids.keys()])).toEqual(ids)
  })

  test('that UTF-8 cannot hold are refused, and other types', async () => {
    const refused = { code: 'BATL_INVALID_ARGUMENT', argument: 'ids' }
    await expect(encodeIds(['a', '\ud800b'], new Pace())).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('ids[1]'),
    })
    for (const other of [3, null, undefined, {}]) {
      await expect(encodeIds(['a', other] as unknown as string[], new Pace())).rejects.toMatchObject(refused)
      await expect(encodeIds([other, 'a'] as unknown as string[], new Pace())).rejects.toMatchObject(refused)
    }
  })

  test('are left unfinished when their build is', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const ids = new Proxy(['a'], {
      get(target, name) {
        if (name === 'length') return 10_000
        if (name === '5000') controller.abort(reason)
        if (name === '9000') throw new Error('it went on')
        return target[0]
      },
    })
    await expect(encodeIds(ids, new Pace(controller.signal))).rejects.toBe(reason)
  })
})

describe('IdTable', () => {
  test('finds every number and bigint among many, and no other', async () => {
    const numbers = Float64Array.from({ length: 5000 }, (_, row) => (row % 2 === 0 ? row * 1e9 : -row / 3))
    const byNumber = await table(numbers)
    numbers.forEach((id, row) => expect(byNumber.find(id)).toBe(row))
    expect(byNumber.find(-0)).toBe(0)
    for (const other of [1, NaN, Infinity, '0', 0n]) expect(byNumber.find(other)).toBe(-1)
    const bigints = BigInt64Array.from({ length: 5000 }, (_, row) => BigInt(row) << 45n)
    const byBigint = await table(bigints)
    bigints.forEach((id, row) => expect(byBigint.find(id)).toBe(row))
    for (const other of [1n, 1n << 64n, 0, '0']) expect(byBigint.find(other)).toBe(-1)
  })

  test('names both rows of a duplicate', async () => {
    await expect(table(Float64Array.of(3, 1, 2, 1))).rejects.toThrow('row 3 repeats row 1')
    await expect(table(BigInt64Array.of(3n, 3n))).rejects.toThrow('row 1 repeats row 0')
    await expect(encodeIds(['a', 'b', 'a'], new Pace()).then(table)).rejects.toThrow('row 2 repeats row 0')
  })
})
