import { describe, expect, test } from '@jest/globals'
import { viewSnapshot } from '../../build/format/decode.js'
import { ROWS_OFFSET } from '../../build/format/layout.js'
import { checkPreamble } from '../../build/format/table.js'
import { finiteIn, makeRegion } from './make.js'

/** The code of the error with which a region is refused, or `opened`. */
async function outcome(region: Uint8Array): Promise<string> {
  try {
    await viewSnapshot(region, finiteIn(region))
    return 'opened'
  } catch (error) {
    return String((error as { code?: unknown }).code)
  }
}

describe('damage', () => {
  test('of every single bit is refused', async () => {
    const region = await makeRegion({ size: 3, metric: 'cosine', rowType: 'f16', idKind: 'string', trees: 1 })
    expect(await outcome(region)).toBe('opened')
    const codes = new Map<string, number>()
    for (let bit = 0; bit < 8 * region.length; bit++) {
      region[bit >> 3]! ^= 1 << (bit & 7)
      const code = await outcome(region)
      codes.set(code, (codes.get(code) ?? 0) + 1)
      region[bit >> 3]! ^= 1 << (bit & 7)
    }
    expect(await outcome(region)).toBe('opened')
    expect(Object.fromEntries(codes)).toEqual({ BATL_FORMAT: 8 * region.length - 16, BATL_VERSION: 16 })
  })

  test('by every truncation is refused, and by added bytes', async () => {
    const region = await makeRegion({ size: 3, idKind: 'i64' })
    for (let length = 0; length < region.length; length++) {
      expect(await outcome(region.subarray(0, length))).toBe('BATL_FORMAT')
    }
    const longer = new Uint8Array(region.length + 64)
    longer.set(region)
    expect(await outcome(longer)).toBe('BATL_FORMAT')
  })

  test('is named with its place and a remedy', async () => {
    const region = await makeRegion()
    const refused = async (change: (bytes: Uint8Array) => Uint8Array | void): Promise<unknown> => {
      const copy = region.slice()
      const changed = change(copy) ?? copy
      return viewSnapshot(changed, finiteIn(changed)).catch((error: unknown) => error)
    }
    expect(await refused((bytes) => void (bytes[0] = 0))).toMatchObject({
      offset: 0,
      message: expect.stringContaining('not a BATL index'),
    })
    expect(await refused((bytes) => void (bytes[5] = 0x0a))).toMatchObject({
      offset: 5,
      message: expect.stringContaining('text mode'),
    })
    expect(await refused((bytes) => bytes.subarray(0, 4096))).toMatchObject({
      offset: 4096,
      message: expect.stringContaining('truncated'),
    })
    expect(await refused((bytes) => void (bytes[ROWS_OFFSET] = 9))).toMatchObject({
      offset: ROWS_OFFSET,
      message: expect.stringContaining('section rows does not match its checksum'),
    })
    expect(await refused((bytes) => void (bytes[8] = 2))).toMatchObject({
      name: 'VersionError',
      found: '2.0',
      supported: '1.x',
    })
  })

  test('shows before the file is read: checkPreamble takes the first 64 bytes', async () => {
    const region = await makeRegion()
    const head = region.subarray(0, 64)
    expect(() => checkPreamble(head, region.length)).not.toThrow()
    expect(() => checkPreamble(head, region.length - 64)).toThrow(/truncated/)
    expect(() => checkPreamble(new Uint8Array(0), 0)).toThrow(/not a BATL index/)
    expect(() => checkPreamble(new TextEncoder().encode('#!/bin/sh'), 9)).toThrow(/not a BATL index/)
  })
})
