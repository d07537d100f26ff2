import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as pathOf } from 'node:path'
import { readGroundTruth, writeGroundTruth } from '../../build/io/vectors.js'
import { bin, join, packed, vecs } from './files.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(pathOf(tmpdir(), 'batl-truth-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const ids = Int32Array.of(5, 0, 2 ** 31 - 1, 3, 1, 2)
const distances = Float32Array.of(0, 1, 2, 0.5, 0.5, 7)

async function read(name: string, content: Uint8Array): Promise<Awaited<ReturnType<typeof readGroundTruth>>> {
  const path = pathOf(folder, name)
  await writeFile(path, content)
  return readGroundTruth(path)
}

describe('readGroundTruth', () => {
  const plain = { ids: Uint32Array.from(ids), k: 3, size: 2 }

  test('reads .ibin with and without distances, and .ivecs, plain and packed', async () => {
    const full = bin(2, 3, ids, distances)
    const rows = vecs([ids.subarray(0, 3), ids.subarray(3)])
    expect(await read('a.ibin', full)).toEqual({ ...plain, distances })
    expect(await read('a.ibin.gz', packed(full))).toEqual({ ...plain, distances })
    expect(await read('b.ibin', bin(2, 3, ids))).toEqual(plain)
    expect(await read('b.ibin.gz', packed(bin(2, 3, ids)))).toEqual(plain)
    expect(await read('c.ivecs', rows)).toEqual(plain)
    expect(await read('c.ivecs.gz', packed(rows))).toEqual(plain)
  })

  test('refuses what is cut, too long, ragged, empty or negative', async () => {
    const FAULTS: [string, Uint8Array, string, number?][] = [
      ['a.ibin', bin(2, 3, ids).subarray(0, 30), 'truncated', 30],
      ['a.ibin', bin(2, 3, ids, distances.subarray(1)), 'extra bytes', 32],
      ['a.ibin.gz', packed(bin(2, 3, ids, distances.subarray(1))), 'middle of the distances', 52],
      ['a.ibin.gz', packed(bin(2, 3, ids, distances, distances)), 'goes on after'],
      ['a.ibin', bin(0, 3), '0 queries', 0],
      [
        'a.ibin',
        bin(
          2,
          3,
          ids.map((id) => (id === 1 ? -1 : id)),
        ),
        'row number -1',
        24,
      ],
      ['a.ivecs', vecs([ids.map((id) => (id === 1 ? -1 : id))]), 'row number -1', 20],
      ['a.ivecs', join(vecs([ids.subarray(0, 2)]), vecs([ids.subarray(0, 2)], 1)), 'states 1 neighbours in row 1', 12],
      ['a.ivecs', vecs([ids.subarray(0, 2), ids.subarray(0, 1)]), 'no whole number of rows', 12],
      ['a.ivecs', Buffer.alloc(0), '0 queries'],
      ['a.ivecs', vecs([ids]).subarray(1), 'middle of a number'],
    ]
    for (const [name, content, text, offset] of FAULTS) {
      const error = {
        code: 'BATL_FORMAT',
        message: expect.stringContaining(text),
        ...(offset === undefined ? {} : { offset }),
      }
      await expect(read(name, content)).rejects.toMatchObject(error)
    }
    await expect(read('a.fbin', bin(2, 3, distances))).rejects.toMatchObject({
      code: 'BATL_INVALID_ARGUMENT',
      argument: 'path',
    })
  })
})

describe('writeGroundTruth', () => {
  test('writes what readGroundTruth reads, from every kind of id that fits', async () => {
    const path = pathOf(folder, 'out.ibin')
    for (const given of [Uint32Array.from(ids), Float64Array.from(ids), BigInt64Array.from(ids, BigInt)]) {
      await writeGroundTruth(path, { ids: given, distances, k: 3, size: 2 })
      expect(Buffer.compare(await readFile(path), bin(2, 3, ids, distances))).toBe(0)
    }
    await writeGroundTruth(path, { ids: Uint32Array.from(ids), k: 2, size: 3 })
    expect(await readGroundTruth(path)).toEqual({ ids: Uint32Array.from(ids), k: 2, size: 3 })
  })

  test('names the id that .ibin cannot hold, and writes nothing', async () => {
    const path = pathOf(folder, 'never.ibin')
    const write = (given: Parameters<typeof writeGroundTruth>[1]['ids']): Promise<void> =>
      writeGroundTruth(path, { ids: given, k: given.length, size: 1 })
    const refused = (text: string): object => ({
      code: 'BATL_INVALID_ARGUMENT',
      argument: 'ids',
      message: expect.stringContaining(text),
    })
    await expect(write(Uint32Array.of(1, 2 ** 31))).rejects.toMatchObject(refused('ids[1] is 2147483648'))
    await expect(write(Float64Array.of(0.5))).rejects.toMatchObject(refused('0.5'))
    await expect(write(BigInt64Array.of(-1n))).rejects.toMatchObject(refused('-1'))
    await expect(write(['7'])).rejects.toMatchObject(refused('the string "7"'))
    await expect(writeGroundTruth(path, { ids: Uint32Array.of(1), k: 2, size: 1 })).rejects.toMatchObject(
      refused('1 x 2'),
    )
    await expect(
      writeGroundTruth(pathOf(folder, 'x.fbin'), { ids: Uint32Array.of(1), k: 1, size: 1 }),
    ).rejects.toMatchObject({ argument: 'path' })
    expect(await readdir(folder)).not.toContain('never.ibin')
  })
})
