import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { packLeaves } from '../reference/leaves.js'
import { touchRows, touchTurns } from '../reference/scan.js'
import { ENTRIES, OFFSETS, room, VISITS } from './code-cases.js'
import { COUNTS, onEachBinary, put, putIntegers } from './harness.js'

const SIZE = 72
const COLUMNS = [1, 2, 5, 25]

onEachBinary((open) => {
  test('touchRows looks into every line of the rows and into their tables, and writes nothing but its eight bytes', () => {
    const arena = open()
    const rng = new Rng(5)
    const table = (): { at: number; bytes: Uint8Array } => {
      const values = Uint32Array.from({ length: SIZE }, () => rng.uint32())
      return { at: putIntegers(arena, [...values]), bytes: new Uint8Array(values.buffer) }
    }
    const [scales, order] = [table(), table()]
    for (const stride of [16, 64, 100, 480]) {
      const rows = arena.allocate(SIZE * stride)
      const bytes = arena.u8(rows, SIZE * stride)
      for (let i = 0; i < bytes.length; i++) bytes[i] = rng.below(256)
      const before = bytes.slice()
      const scratch = arena.allocate(64)
      for (const count of [0, ...COUNTS]) {
        const positions = Array.from({ length: count }, () => rng.below(SIZE))
        const at = putIntegers(arena, positions)
        for (const tables of [[], [scales], [scales, order]]) {
          arena.u8(scratch, 64).fill(7)
          arena.kernels.touchRows(at, count, rows, stride, tables[0]?.at ?? 0, tables[1]?.at ?? 0, scratch)
          const sum = touchRows(
            before,
            positions,
            stride,
            tables.map(({ bytes }) => bytes),
          )
          expect(Array.from(arena.u8(scratch, 8))).toEqual([sum, ...new Array<number>(7).fill(0)])
          expect(Array.from(arena.u8(scratch + 8, 56))).toEqual(new Array<number>(56).fill(7))
          expect(arena.u8(rows, before.length)).toEqual(before)
        }
      }
    }
  })

  test('touchLeaves looks into every line of the codes, in turns, and writes nothing but its scratch', () => {
    const arena = open()
    const rng = new Rng(9)
    const offsets = putIntegers(arena, OFFSETS)
    for (const columns of COLUMNS) {
      const dim = 5 * columns
      const codes = Array.from({ length: ENTRIES }, () => Array.from({ length: 2 * columns }, () => rng.below(16)))
      const positions = Array.from({ length: ENTRIES }, () => rng.uint32())
      const { bytes, entryBytes } = packLeaves({ dim, columns, offsets: OFFSETS, codes, positions })
      const before = Uint8Array.from(bytes)
      const records = put(arena, before)
      expect(records % 64).toBe(0)
      const head = 8 + ((dim + 15) & ~15)
      for (const leaves of VISITS) {
        const out = room(arena, Math.max(8, 8 * Math.min(12, leaves.length)))
        const at = putIntegers(arena, leaves)
        arena.kernels.touchLeaves(at, leaves.length, dim, records, offsets, entryBytes, out.address)
        const runs = leaves.map((leaf) => {
          const start = leaf * head + OFFSETS[leaf]! * entryBytes
          return [start, start + head + (OFFSETS[leaf + 1]! - OFFSETS[leaf]!) * (entryBytes - 4)] as const
        })
        expect(Array.from(arena.u8(out.address, 8))).toEqual([touchTurns(before, runs), 0, 0, 0, 0, 0, 0, 0])
        expect(out.untouched()).toBe(true)
        expect(arena.u8(records, before.length)).toEqual(before)
      }
    }
  })
})
