import { describe, expect, test } from '@jest/globals'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openVectors, readGroundTruth, readVectors } from '../../build/io/vectors.js'

const data = join(process.env.BATL_SHARED ?? '../shared', 'data')
const present = existsSync(data)
if (!present) console.warn(`skipped: real data files, since ${data} is not there; set BATL_SHARED to its folder`)

/** Base and query files with their shapes, as the folder's README states them. */
const SETS: [string, string, number, number, number][] = [
  ['sift-1m', 'u8bin', 1_000_000, 128, 10_000],
  ['glove-100', 'f16bin', 331_479, 100, 10_000],
  ['text-384', 'f16bin', 50_000, 384, 4000],
  ['mips-amazon', 'f16bin', 90_830, 96, 5000],
]

/** The value of f16 bits, subnormal or not. */
function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25)
  return bits & 0x8000 ? -magnitude : magnitude
}

;(present ? describe : describe.skip)('the real data files', () => {
  test.each(SETS)(
    '%s: headers, queries, and distances of the ground truth',
    async (set, extension, size, dim, queryCount) => {
      const base = await openVectors(join(data, set, `base.${extension}.gz`))
      expect(base).toMatchObject({ size, dim, type: extension.replace('bin', '') })
      const queries = await readVectors(join(data, set, `query.${extension}.gz`))
      expect(queries).toMatchObject({ size: queryCount, dim })
      const truth = await readGroundTruth(join(data, set, 'gt.ibin.gz'))
      expect(truth).toMatchObject({ size: queryCount, k: 100 })
      expect(truth.ids.every((id) => id < size)).toBe(true)

      // Distances of the neighbours that lie in the first rows, computed again from both files.
      const first = 4000
      const value = extension === 'u8bin' ? (raw: number): number => raw : fromHalf
      const blocks = base.blocks(first)[Symbol.asyncIterator]()
      const rows = (await blocks.next()).value as ArrayLike<number>
      await blocks.return!()
      expect(rows.length).toBe(first * dim)
      let compared = 0
      for (let i = 0; i < truth.ids.length && compared < 200; i++) {
        const id = truth.ids[i]!
        if (id >= first) continue
        const query = Math.floor(i / truth.k) * dim
        let distance = 0
        for (let d = 0; d < dim; d++) {
          const [a, b] = [value(rows[id * dim + d]!), value(queries.rows[query + d]!)]
          distance += extension === 'u8bin' ? (a - b) ** 2 : a * b
        }
        expect(Math.abs(truth.distances![i]! - distance)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(distance)))
        compared++
      }
      expect(compared).toBe(200)
    },
  )

  test('text-384: all rows, in blocks of 7,001', async () => {
    let rows = 0
    for await (const block of (await openVectors(join(data, 'text-384', 'base.f16bin.gz'))).blocks(7001))
      rows += block.length / 384
    expect(rows).toBe(50_000)
  })
})
