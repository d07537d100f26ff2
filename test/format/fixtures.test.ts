import { describe, expect, test } from '@jest/globals'
import { stepAt } from '../../build/base/matrix.js'
import { readdir, readFile } from 'node:fs/promises'
import { viewSnapshot } from '../../build/format/decode.js'
import { decodeIds, type StringIds } from '../../build/format/ids.js'
import { unpackLeaves } from '../reference/leaves.js'
import { FIXTURES_V1, finiteIn, makeRegion } from './make.js'

const folder = new URL('fixtures/v1/', import.meta.url)

async function open(name: string): Promise<Awaited<ReturnType<typeof viewSnapshot>>> {
  const region = new Uint8Array(await readFile(new URL(`${name}.batl`, folder)))
  return viewSnapshot(region, finiteIn(region))
}

describe('files of version 1', () => {
  test('are all here', async () => {
    expect((await readdir(folder)).sort()).toEqual(
      Object.keys(FIXTURES_V1)
        .map((name) => `${name}.batl`)
        .sort(),
    )
  })

  test.each(Object.entries(FIXTURES_V1))('%s opens, and is still written in the same bytes', async (name, options) => {
    const file = await readFile(new URL(`${name}.batl`, folder))
    expect((await open(name)).size).toBe(options.size)
    expect(Buffer.compare(await makeRegion(options), file)).toBe(0)
  })

  test('hold what they held when they were made', async () => {
    const exact = await open('exact')
    expect([...exact.rows.subarray(0, 32)]).toEqual([
      1,
      9,
      6,
      ...Array<number>(13).fill(0),
      1,
      4,
      4,
      ...Array<number>(13).fill(0),
    ])
    expect(exact).toMatchObject({
      size: 2,
      dim: 3,
      metric: 'l2',
      rowType: 'u8',
      idKind: 'row',
      trees: 0,
      seed: 7,
      rungs: [],
    })

    const linear = await open('linear')
    expect(decodeIds(linear.ids as StringIds, [0, 1, 2, 3, 4, 5, 6])).toEqual(['', 'a', 'ä', '漢', '🙂', '5', 'a6'])
    expect([...linear.order]).toEqual([6, 5, 4, 3, 2, 1, 0])
    expect(linear.rungs[1]).toEqual({
      probes: 2,
      beamWidth: 1,
      rerank: 2,
      k: 10,
      recall: 0.5,
      leafReach: 0,
      beamReach: 0,
      rowReach: 0,
    })
    expect([...linear.tree[0]!.leafOffsets]).toEqual([0, 2, 5, 8, 10])
    const leaves = unpackLeaves(linear.tree[0]!, linear)
    expect(leaves.map(({ positions }) => positions)).toEqual([
      [0, 4],
      [1, 5, 0],
      [2, 6, 1],
      [3, 2],
    ])
    expect(linear.scales[0]).toBeCloseTo(1 / Math.sqrt(halfNorm(linear.rows)), 6)

    const steps = await open('steps')
    expect(steps).toMatchObject({ rowType: 'i10', stride: 160, metric: 'cosine' })
    // The first component is 1, the largest -9 or 8: whole steps of the largest.
    const largest = Math.max(...Array.from({ length: 70 }, (_, i) => Math.abs(stepAt(steps.rows, 0, i))))
    expect([largest, stepAt(steps.rows, 0, 0)]).toEqual([511, Math.round(1 / steps.units[4]!)])
    expect(steps.units[4]).toBeCloseTo(9 / 511, 6)

    const codes = await open('codes')
    expect(codes).toMatchObject({ rowType: 'none', stride: 0, rungs: [{ rerank: 0 }, { rerank: 0 }] })
    expect([codes.rows.length, codes.order.length, codes.tree[0]!.leaves.length]).toEqual([0, 9, 4 * 24 + 13 * 8 + 32])

    expect((await open('residual')).ids).toEqual(Float64Array.of(0, 1.5, 3, 4.5, 6, 7.5))
    expect((await open('bigints')).ids).toEqual(BigInt64Array.from({ length: 6 }, (_, i) => BigInt(i) - (1n << 40n)))
  })
})

/** Squared norm of the first of five f16 components, for whole numbers below 2^10. */
function halfNorm(rows: Uint8Array): number {
  const bits = new Uint16Array(rows.slice(0, 10).buffer)
  return bits.reduce(
    (sum, half) => sum + (half === 0 ? 0 : (2 ** ((half >> 10) - 15) * (1 + (half & 1023) / 1024)) ** 2),
    0,
  )
}
