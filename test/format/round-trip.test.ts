import { describe, expect, test } from '@jest/globals'
import { mapSnapshot, viewSnapshot } from '../../build/format/decode.js'
import { seal, writeHeader } from '../../build/format/encode.js'
import { decodeIds, IdTable } from '../../build/format/ids.js'
import { planLayout, ROWS_OFFSET } from '../../build/format/layout.js'
import { Pace } from '../../build/format/pace.js'
import { treeShape } from '../../build/tree/shape.js'
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
    rotated: true,
  },
  'three levels, i8, bigint ids, three copies': {
    size: 30,
    arities: [2, 2, 2],
    rowType: 'i8',
    idKind: 'i64',
    copies: 3,
  },
  'l2, more than a block of codes of one byte': { size: 40, dim: 9, arities: [3], codeBytes: 1 },
  'a rotation of two blocks': { size: 3, dim: 300, arities: [2], metric: 'ip', rotated: true },
  'residual, ip, 8 trees': { size: 8, router: 'residual', metric: 'ip', trees: 8 },
  'seq2seq, string ids': { size: 8, dim: 5, router: 'seq2seq', idKind: 'string' },
  'steps, cosine, without a tree': { dim: 65, rowType: 'i10', metric: 'cosine', arities: [], rungs: 0 },
  'steps, cosine, two levels': { size: 20, dim: 130, rowType: 'i10', metric: 'cosine', arities: [2, 3], copies: 1.5 },
  'no rows, l2': { size: 20, dim: 9, rowType: 'none', arities: [3], copies: 1.5 },
  'no rows, cosine, two trees': { size: 9, dim: 9, rowType: 'none', metric: 'cosine', trees: 2, idKind: 'i64' },
  'all rungs': { size: 4, rungs: 3, reach: 0.5 },
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
    const { tree, rows, stride, scales, units, order, ids, mean, rotation, codebooks, ...header } = snapshot
    expect(header.size).toBe(options.size ?? 5)
    expect(header.shape.arities).toEqual(options.arities ?? [2])
    const kept = options.rowType !== 'none'
    if (kept) expect(rows.byteOffset).toBe(ROWS_OFFSET)
    expect(rows.length).toBe(stride * header.size)
    expect(stride > 0).toBe(kept)
    expect(scales.length).toBe(kept && options.metric === 'cosine' ? header.size : 0)
    expect(units.length).toBe(options.rowType === 'i10' ? header.size : 0)
    expect(order.length).toBe(header.shape.arities.length === 0 ? 0 : header.size)
    expect(tree.length).toBe(header.shape.arities.length === 0 ? 0 : (options.trees ?? 1))
    const reach = options.reach ?? 0
    expect(header.rungs.map(({ leafReach }) => leafReach)).toEqual(header.rungs.map((_, r) => r * reach))
    expect(header.rungs.map(({ rowReach }) => rowReach)).toEqual(header.rungs.map((_, r) => (r * reach) / 4))
    expect(ids === undefined).toBe((options.idKind ?? 'row') === 'row')

    const stringBytes = ids !== undefined && 'bytes' in ids ? ids.bytes.length : 0
    const layout = planLayout(header, stringBytes)
    expect(layout.length).toBe(region.length)
    const copy = new Uint8Array(region.length).fill(0xa5)
    writeHeader(copy, header, layout)
    const target = mapSnapshot(copy, header, layout)
    target.rows.set(rows)
    target.scales.set(scales)
    target.units.set(units)
    target.order.set(order)
    target.mean.set(mean)
    target.rotation.set(rotation)
    target.codebooks.set(codebooks)
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
      target.tree[t]!.leaves.set(from.leaves)
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
    const rung = { probes: 1, beamWidth: 1, rerank: 1, k: 1, recall: 0.5, leafReach: 0, beamReach: 0, rowReach: 0 }
    expect(write({ rungs: [rung, { ...rung, k: 10, recall: 0.1 }] })).not.toThrow()
    expect(write({ rungs: [{ ...rung, probes: 3 }] })).toThrow(/rung 0: probes is 3/)
    expect(write({ rungs: [{ ...rung, rerank: 6 }] })).toThrow(/rung 0: rerank is 6, but must be 1 to 5 = size/)
    expect(write({ rungs: [{ ...rung, k: 2 }] })).toThrow(/rung 0: k is 2, but must be one of 1, 10, 100/)
    expect(write({ rungs: [{ ...rung, k: 10 }, rung] })).toThrow(/rung 1: k is 1/)
    expect(write({ rungs: [rung, { ...rung, recall: 0.4 }] })).toThrow(/rung 1: recall is 0.4, but must be 0.5 to 1/)
    for (const name of ['leafReach', 'beamReach', 'rowReach']) {
      for (const value of [-1, NaN, Infinity]) {
        const message = `rung 0: ${name} is ${value}, but must be finite and at least 0`
        expect(write({ rungs: [{ ...rung, [name]: value }] })).toThrow(message)
      }
    }
    expect(write({ codeBytes: 0 })).toThrow(/codeBytes is 0, but must be 1 to 2/)
    expect(write({ codeBytes: 3 })).toThrow(/codeBytes is 3/)
    expect(write({ termUnit: -1 })).toThrow(/termUnit is -1/)
    expect(write({ termUnit: Infinity })).toThrow(/termUnit is Infinity/)
    expect(write({ seed: 0.5 })).toThrow(/seed/)
    expect(write({ rowType: 'i10' })).toThrow(/rowType is i10/)
    expect(write({ rowType: 'none', rungs: [rung] })).toThrow(/rerank is 1, but must be 0 without rows/)
    const bare = { rowType: 'none', rungs: [], trees: 0, entryCount: 0, codeBytes: 0, shape: treeShape([]) }
    expect(write(bare)).toThrow(/rowType is none, but must be another without levels/)
  })

  test('stops when asked to', async () => {
    const region = await makeRegion({ size: 50 })
    const reason = new Error('enough')
    await expect(viewSnapshot(region, finiteIn(region), AbortSignal.abort(reason))).rejects.toBe(reason)
    await expect(seal(region, AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})
