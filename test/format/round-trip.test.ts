import { describe, expect, test } from '@jest/globals'
import { mapSnapshot, viewSnapshot } from '../../build/format/decode.js'
import { seal, writeHeader } from '../../build/format/encode.js'
import { decodeIds, IdTable } from '../../build/format/ids.js'
import { planLayout, ROWS_OFFSET } from '../../build/format/layout.js'
import { Pace } from '../../build/format/pace.js'
import type { Snapshot } from '../../build/tree/snapshot.js'
import { finiteIn, makeRegion, type MakeOptions } from './make.js'

const CASES: Record<string, MakeOptions> = {
  'exact, u8, no ids': { arities: [], rungs: 0 },
  'exact, cosine, f32, string ids': { arities: [], metric: 'cosine', rowType: 'f32', idKind: 'string' },
  'one level, u8': { size: 9, arities: [3] },
  'one level, one row': { size: 1, dim: 1, arities: [2] },
  'two levels, f16, f64 ids, two trees': {
    size: 20,
    arities: [2, 3],
    rowType: 'f16',
    idKind: 'f64',
    trees: 2,
    copies: 1.5,
  },
  'three levels, i8, bigint ids, three copies': {
    size: 30,
    arities: [2, 2, 2],
    rowType: 'i8',
    idKind: 'i64',
    copies: 3,
  },
  'residual, ip, 8 trees': { size: 8, router: 'residual', metric: 'ip', trees: 8 },
  'seq2seq, string ids': { size: 8, dim: 5, router: 'seq2seq', idKind: 'string' },
  'all rungs': { size: 4, rungs: 3 },
}

/** Everything of a snapshot that can be compared by value. */
function plain(snapshot: Snapshot): unknown {
  return JSON.parse(JSON.stringify(snapshot, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)))
}

function view(region: Uint8Array): Promise<Snapshot> {
  return viewSnapshot(region, finiteIn(region))
}

describe('an index written and viewed again', () => {
  test.each(Object.entries(CASES))('is the same: %s', async (_, options) => {
    const region = await makeRegion(options)
    const snapshot = await view(region)
    const { tree, rows, stride, scales, order, ids, ...header } = snapshot
    expect(header.size).toBe(options.size ?? 5)
    expect(header.shape.arities).toEqual(options.arities ?? [2])
    expect(rows.byteOffset).toBe(ROWS_OFFSET)
    expect(rows.length).toBe(stride * header.size)
    expect(scales.length).toBe(options.metric === 'cosine' ? header.size : 0)
    expect(order.length).toBe(header.shape.arities.length === 0 ? 0 : header.size)
    expect(tree.length).toBe(header.shape.arities.length === 0 ? 0 : (options.trees ?? 1))
    expect(ids === undefined).toBe((options.idKind ?? 'row') === 'row')

    const stringBytes = ids !== undefined && 'bytes' in ids ? ids.bytes.length : 0
    const layout = planLayout(header, stringBytes)
    expect(layout.length).toBe(region.length)
    const copy = new Uint8Array(region.length).fill(0xa5)
    writeHeader(copy, header, layout)
    const target = mapSnapshot(copy, header, layout)
    target.rows.set(rows)
    target.scales.set(scales)
    target.order.set(order)
    if (ids !== undefined && 'bytes' in ids) {
      const strings = target.ids as typeof ids
      strings.offsets.set(ids.offsets)
      strings.bytes.set(ids.bytes)
    } else if (ids !== undefined)
      new Uint8Array(copy.buffer).set(
        new Uint8Array(region.buffer, ids.byteOffset, ids.byteLength),
        (target.ids as typeof ids).byteOffset,
      )
    tree.forEach((from, t) => {
      target.tree[t]!.router.set(from.router)
      target.tree[t]!.leafOffsets.set(from.leafOffsets)
      target.tree[t]!.entries.set(from.entries)
    })
    await seal(copy)
    expect(Buffer.compare(copy, region)).toBe(0)
    expect(plain(await view(copy))).toEqual(plain(snapshot))
  })

  test('lives in shared memory, at any multiple of 64', async () => {
    const made = await makeRegion({ size: 10, metric: 'cosine', idKind: 'string', rowType: 'f32' })
    const memory = new SharedArrayBuffer(made.length + 128)
    const region = new Uint8Array(memory, 128)
    region.set(made)
    const snapshot = await view(region)
    expect(snapshot.rows.buffer).toBe(memory)
    expect(plain(snapshot)).toEqual(plain(await view(made)))
    const table = await IdTable.build(snapshot.ids!, new Pace(), () => new Error('duplicate'))
    const all = decodeIds(snapshot.ids as Parameters<typeof decodeIds>[0], [...Array(10).keys()])
    expect(all.map((id) => table.find(id))).toEqual([...Array(10).keys()])
  })

  test('is refused where views would be misaligned', async () => {
    const made = await makeRegion()
    const region = new Uint8Array(made.length + 8).subarray(8)
    region.set(made)
    await expect(view(region)).rejects.toMatchObject({ code: 'BATL_INVALID_ARGUMENT', argument: 'region' })
  })

  test('is not written when it could not be opened again', async () => {
    const made = await makeRegion()
    const snapshot = await view(made)
    const layout = planLayout(snapshot)
    const write =
      (change: object): (() => void) =>
      () =>
        writeHeader(new Uint8Array(made.length), { ...snapshot, ...change }, layout)
    expect(write({})).not.toThrow()
    expect(write({ entryCount: 4 })).toThrow(expect.objectContaining({ code: 'BATL_FORMAT' }))
    expect(write({ trees: 9 })).toThrow(/trees is 9/)
    expect(write({ rungs: [{ probes: 3, beamWidth: 1, recall: [0, 0, 0] }] })).toThrow(/rung 0: probes is 3/)
    expect(write({ seed: 0.5 })).toThrow(/seed/)
  })

  test('stops when asked to', async () => {
    const region = await makeRegion({ size: 50 })
    const reason = new Error('enough')
    await expect(viewSnapshot(region, finiteIn(region), AbortSignal.abort(reason))).rejects.toBe(reason)
    await expect(seal(region, AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})
