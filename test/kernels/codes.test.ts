import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { codeShape, mostCodeBytes, tableLevels } from '../../build/codes/shape.js'
import type { Arena } from '../../build/kernels/memory.js'
import * as twin from '../reference/codes.js'
import { packLeaves, type PlainLeaves } from '../reference/leaves.js'
import { OFFSETS, ENTRIES, VISITS, room, GUARD } from './code-cases.js'
import { onEachBinary, put, putFloats, putIntegers } from './harness.js'

const COLUMNS = [1, 2, 3, 5, 25, 32]
const WIDTHS = [1, 2, 3, 4, 5]
const floats = (rng: Rng, count: number, scale = 1): number[] =>
  Array.from({ length: count }, () => Math.fround(rng.normal() * scale))

function putBytes(arena: Arena, values: ArrayLike<number>): number {
  const address = arena.allocate(values.length + GUARD)
  arena.u8(address, values.length).set(Array.from(values, (value) => value & 255))
  return address
}

const putShorts = (arena: Arena, values: ArrayLike<number>): number => put(arena, Int16Array.from(values))

/** Rows of 8-bit steps, `stride` bytes apart. */
function putSteps(arena: Arena, rows: readonly (readonly number[])[], stride: number): number {
  const bytes = new Array<number>(rows.length * stride).fill(0)
  rows.forEach((row, i) => row.forEach((step, j) => (bytes[i * stride + j] = step)))
  return putBytes(arena, bytes)
}

/** Records of leaves, and what an entry takes. */
function putLeaves(arena: Arena, leaves: PlainLeaves): { records: number; entryBytes: number } {
  const { bytes, entryBytes } = packLeaves(leaves)
  return { records: putBytes(arena, bytes), entryBytes }
}

function makeBooks(rng: Rng, subs: number, width: number, scale = 1): twin.Books {
  return Array.from({ length: subs }, () => Array.from({ length: 16 }, () => floats(rng, width, scale)))
}

/** As the kernels read them: the 16 values of one component together. */
function putBooks(arena: Arena, books: twin.Books): number {
  return putFloats(
    arena,
    books.flatMap((book) => book[0]!.flatMap((_, j) => book.map((value) => value[j]!))),
  )
}

onEachBinary((open) => {
  test.each([2047, 16_383])('quantize gives steps of at most %i and their unit', (most) => {
    const arena = open()
    for (const count of [1, 3, 4, 5, 7, 8, 9, 31, 128, 384]) {
      for (const scale of [1, 1e-20, 1e20, 0, 1e-39]) {
        const values = floats(new Rng(count), count, scale)
        const length = (count + 7) & ~7
        const at = putFloats(arena, [...values, ...new Array<number>(length - count).fill(0)])
        const out = room(arena, length * 2)
        const unit = arena.kernels.quantize(at, count, most, out.address)
        const wanted = twin.quantize(values, most)
        expect(unit).toBe(wanted.unit)
        const steps = Array.from(arena.i16(out.address, length))
        expect(steps.slice(0, count)).toEqual(wanted.steps.map((step) => step + 0))
        expect(steps.slice(count)).toEqual(new Array(length - count).fill(0))
        expect(out.untouched()).toBe(true)
        if (scale >= 1e-20) expect(Math.max(...steps.map(Math.abs))).toBe(most)
        steps.slice(0, count).forEach((step, i) => {
          if (scale !== 1e-39) expect(Math.abs(step * unit - values[i]!)).toBeLessThanOrEqual(unit * 0.501)
        })
      }
    }
  })

  test('scoreChildrenInt scores the children of each parent in whole numbers', () => {
    const arena = open()
    for (const dim of [1, 3, 8, 15, 16, 17, 128, 9000]) {
      for (const arity of [1, 3, 4, 5, 33]) {
        if (dim > 128 && arity > 3) continue
        const rng = new Rng(dim + arity)
        const extreme = dim === 9000
        const z = Array.from({ length: dim }, () => (extreme ? 2047 : rng.below(4095) - 2047))
        const weights = Array.from({ length: 6 * arity }, () =>
          Array.from({ length: dim }, () => (extreme ? 127 : rng.below(255) - 127)),
        )
        const [unit, scales, bias] = [Math.fround(rng.uniform()), floats(rng, 6 * arity), floats(rng, 6 * arity, 100)]
        const parents = [0, 2, 5]
        const stride = (dim + 15) & ~15
        const out = room(arena, parents.length * arity * 4 + 12) // Scores are written four at a time.
        const query = putShorts(arena, [...z, ...new Array<number>(stride - dim).fill(0)])
        const [rows, scalesAt] = [putSteps(arena, weights, stride), putFloats(arena, scales)]
        const [biasAt, parentsAt] = [putFloats(arena, bias), putIntegers(arena, parents)]
        arena.kernels.scoreChildrenInt(
          query,
          unit,
          dim,
          rows,
          stride,
          scalesAt,
          biasAt,
          parentsAt,
          parents.length,
          arity,
          out.address,
        )
        const found = Array.from(arena.f32(out.address, parents.length * arity))
        expect(found).toEqual(twin.scoreChildrenInt(z, unit, weights, scales, bias, parents, arity))
        expect(out.untouched()).toBe(true)
      }
    }
  })

  test('subtract subtracts, in whole vectors of four', () => {
    const arena = open()
    for (const count of [1, 3, 4, 5, 16, 100]) {
      const rng = new Rng(count)
      const length = (count + 3) & ~3
      const [x, y] = [floats(rng, length), floats(rng, length)]
      const out = room(arena, length * 4)
      arena.kernels.subtract(putFloats(arena, x), putFloats(arena, y), count, out.address)
      expect(Array.from(arena.f32(out.address, length))).toEqual(twin.subtract(x, y))
      expect(out.untouched()).toBe(true)
    }
  })

  test('encodeBlock codes rows by their nearest centroids, the first of equals, with their terms; addNearest adds them up', () => {
    const arena = open()
    for (const columns of COLUMNS) {
      for (const width of WIDTHS) {
        const rng = new Rng(columns * 10 + width)
        const dims = 2 * columns * width
        const stride = (dims + 15) & ~15
        const books = makeBooks(rng, 2 * columns, width).map((book, m) =>
          // Some have centroids twice; one is all zeros.
          m % 3 === 0
            ? book.map((_, c) => book[c >> 1]!)
            : m % 7 === 5
              ? book.map((value) => value.map(() => 0))
              : book,
        )
        const centroid = floats(rng, dims)
        for (const count of [1, 7, 15, 16]) {
          const rows = Array.from({ length: count }, () => floats(rng, dims))
          const spread = (vectors: readonly number[][]): number =>
            putFloats(
              arena,
              vectors.flatMap((vector) => [...vector, ...new Array<number>(stride - dims).fill(9)]),
            )
          const [block, terms] = [room(arena, 16 * columns), room(arena, 4 * count)]
          const [rowsAt, centroidAt, booksAt] = [spread(rows), spread([centroid]), putBooks(arena, books)]
          arena.kernels.encodeBlock(
            rowsAt,
            stride * 4,
            count,
            centroidAt,
            booksAt,
            columns,
            width,
            block.address,
            terms.address,
          )
          const wanted = rows.map((row) => twin.encode(row, centroid, books))
          const codes = wanted.map((own) => own.codes)
          expect(Array.from(arena.u8(block.address, 16 * columns))).toEqual(twin.packBlock(codes, columns))
          expect(Array.from(arena.f32(terms.address, count))).toEqual(wanted.map(({ term }) => term))
          const [sums, counts] = [room(arena, 2 * columns * 16 * width * 8), room(arena, 2 * columns * 16 * 4)]
          arena.u8(sums.address, 2 * columns * 16 * width * 8).fill(0)
          arena.u8(counts.address, 2 * columns * 16 * 4).fill(0)
          for (let pass = 0; pass < 2; pass++) {
            arena.kernels.addNearest(
              rowsAt,
              stride * 4,
              count,
              centroidAt,
              booksAt,
              columns,
              width,
              sums.address,
              counts.address,
            )
          }
          const added = twin.addNearest([...rows, ...rows], [...codes, ...codes], width)
          expect(Array.from(new Float64Array(arena.memory.buffer, sums.address, added.sums.length))).toEqual(added.sums)
          expect(Array.from(arena.u32(counts.address, added.counts.length))).toEqual(added.counts)
          expect([block, terms, sums, counts].map((own) => own.untouched())).toEqual([true, true, true, true])
        }
      }
    }
  })

  /** The tables of a query as bytes, by sub-code. */
  function tablesOf(
    arena: Arena,
    query: readonly number[],
    books: twin.Books,
    factor: number,
    levels: number,
    most: number,
  ): { tables: number[][]; least: number; scale: number } {
    const subs = books.length
    const [out, least] = [room(arena, subs * 16), room(arena, 4)]
    const scratch = room(arena, subs * 64)
    const scale = arena.kernels.codeTables(
      putFloats(arena, query),
      putBooks(arena, books),
      subs,
      books[0]![0]!.length,
      factor,
      levels,
      most,
      scratch.address,
      out.address,
      least.address,
    )
    expect([out, least, scratch].map(({ untouched }) => untouched())).toEqual([true, true, true])
    const tables = Array.from({ length: subs }, (_, m) => Array.from(arena.u8(out.address + m * 16, 16)))
    return { tables, least: arena.f32(least.address, 1)[0]!, scale }
  }

  test('codeTables gives each table less its least, the widest reaching the levels unless the scale is bounded', () => {
    const arena = open()
    for (const columns of COLUMNS) {
      for (const width of WIDTHS) {
        const rng = new Rng(columns * 10 + width)
        const books = makeBooks(rng, 2 * columns, width, 0.1 + rng.uniform())
        const query = floats(rng, 2 * columns * width)
        for (const [factor, most] of [
          [-2, 3e38],
          [-1, 3e38],
          [-2, 5],
        ] as const) {
          const found = tablesOf(arena, query, books, factor, 63, most)
          expect(found).toEqual(twin.codeTables(query, books, factor, 63, most))
          for (const table of found.tables) expect(Math.min(...table)).toBe(0)
          if (most > 5) expect(Math.max(...found.tables.flat())).toBe(63)
          else expect(found.scale).toBeLessThanOrEqual(5)
        }
      }
    }
  })

  test('codeTables of a zero query, and of one beyond all bounds, stay within the levels', () => {
    const arena = open()
    const books = makeBooks(new Rng(1), 6, 2)
    const zero = tablesOf(arena, new Array<number>(12).fill(0), books, -2, 63, 3e38)
    expect(zero.tables.flat()).toEqual(new Array(96).fill(0))
    for (const value of [3e38, -3e38, 1e-45, 1e-38]) {
      const { tables } = tablesOf(arena, new Array<number>(12).fill(value), books, -2, 63, 3e38)
      expect(Math.max(...tables.flat())).toBeLessThanOrEqual(63)
    }
  })

  test('leafBases gives what a leaf adds to its entries, above the least, up to 32,767', () => {
    const arena = open()
    for (const dim of [1, 5, 16, 17, 100, 384]) {
      for (const count of [1, 2, 3, 4, 5, 9]) {
        const rng = new Rng(dim + count)
        const stride = (dim + 15) & ~15
        const centroids = Array.from({ length: 12 }, () => Array.from({ length: dim }, () => rng.below(255) - 127))
        const query = Array.from({ length: dim }, () => rng.below(4095) - 2047)
        const [scales, biases] = [floats(rng, 12, 0.01), floats(rng, 12, 10)]
        const leaves = Array.from({ length: count }, () => rng.below(12))
        // Leaves of one or two entries, so that records begin at any byte.
        const offsets = Array.from({ length: 13 }, (_, leaf) => leaf + (leaf >> 2))
        const plain = { dim, columns: 3, offsets, scales, biases, centroids }
        const { records, entryBytes } = putLeaves(
          arena,
          dim % 2 === 0 ? plain : { ...plain, terms: new Array<number>(offsets.at(-1)!).fill(0) },
        )
        const offsetsAt = putIntegers(arena, offsets)
        for (const [scale, weight, unit] of [
          [3, 2, 0.01],
          [1e6, 1, 0.5],
          [3e38, 2, 0.01],
          [0, 1, 1],
        ] as const) {
          const [scratch, out] = [room(arena, count * 4), room(arena, count * 4)]
          const least = arena.kernels.leafBases(
            putShorts(arena, [...query, ...new Array<number>(stride - dim).fill(0)]),
            unit,
            dim,
            records,
            offsetsAt,
            entryBytes,
            weight,
            putIntegers(arena, leaves),
            count,
            scale,
            scratch.address,
            out.address,
          )
          const wanted = twin.leafBases(query, unit, centroids, scales, biases, weight, leaves, scale)
          expect(least).toBe(wanted.least)
          const bases = Array.from(arena.u32(out.address, count), (base) => base | 0)
          expect(bases).toEqual(wanted.bases)
          expect(Math.min(...bases)).toBe(0)
          expect(Math.max(...bases)).toBeLessThanOrEqual(32_767)
          expect([scratch.untouched(), out.untouched()]).toEqual([true, true])
        }
      }
    }
  })

  test('scanCodes scores the entries of leaves, and no place of others', () => {
    const arena = open()
    const offsets = putIntegers(arena, OFFSETS)
    for (const columns of COLUMNS) {
      const rng = new Rng(columns)
      const codes = Array.from({ length: ENTRIES }, () => Array.from({ length: 2 * columns }, () => rng.below(16)))
      const tables = codes[0]!.map(() => Array.from({ length: 16 }, () => rng.below(64)))
      const terms = Array.from({ length: ENTRIES }, (_, e) =>
        e % 9 === 0 ? [-32_768, 32_767, 16_384, -16_384][(e / 9) % 4]! : rng.below(65_535) - 32_767,
      )
      const tablesAt = putBytes(arena, tables.flat())
      const dim = 5 * columns
      const [bare, termed] = [undefined, terms].map((own) =>
        putLeaves(arena, { dim, columns, offsets: OFFSETS, codes, ...(own === undefined ? {} : { terms: own }) }),
      )
      for (const leaves of VISITS) {
        for (const factor of [0, 1, 12_345, 32_767]) {
          for (const used of [terms, undefined]) {
            const { records, entryBytes } = used === undefined ? bare! : termed!
            // Some bases leave room for sums, some saturate with them.
            const bases = leaves.map((_, i) => [0, 500, 32_000, 32_767][(i + factor) % 4]!)
            const wanted = twin.scanCodes(leaves, OFFSETS, codes, used, factor, tables, bases)
            const out = room(arena, wanted.length * 2)
            const count = arena.kernels.scanCodes(
              putIntegers(arena, leaves),
              leaves.length,
              dim,
              records,
              offsets,
              columns,
              entryBytes,
              factor,
              tablesAt,
              putIntegers(arena, bases),
              out.address,
            )
            expect(count).toBe(wanted.length)
            expect(Array.from(arena.i16(out.address, count))).toEqual(wanted)
            expect(out.untouched()).toBe(true)
          }
        }
      }
    }
  })

  test('scanCodes saturates at both ends', () => {
    const arena = open()
    const codes = [[15, 15]]
    const scan = (terms: number[], factor: number, base: number): number => {
      const out = room(arena, 32)
      const tables = putBytes(arena, new Array<number>(32).fill(63))
      const plain = { dim: 3, columns: 1, offsets: [0, 1], codes }
      const { records, entryBytes } = putLeaves(arena, terms.length === 0 ? plain : { ...plain, terms })
      arena.kernels.scanCodes(
        putIntegers(arena, [0]),
        1,
        3,
        records,
        putIntegers(arena, [0, 1]),
        1,
        entryBytes,
        factor,
        tables,
        putIntegers(arena, [base]),
        out.address,
      )
      return arena.i16(out.address, 16)[0]!
    }
    expect(scan([], 0, 32_767)).toBe(32_767)
    expect(scan([], 0, 32_767 - 126)).toBe(32_767)
    expect(scan([], 0, 32_767 - 127)).toBe(32_766)
    expect(scan([32_767], 32_767, 0)).toBe(32_767)
    // The sum of tables and term saturates before the base is added.
    expect(scan([32_767], 32_767, -32_768)).toBe(-1)
    expect(scan([-32_767], 32_767, -32_768)).toBe(-32_768)
    expect(scan([-32_768], 32_767, 0)).toBe(126 - 32_767)
  })

  /** The widest scores that tables of these shapes can add up to; f32 cannot make a table reach more than its levels. */
  const longest = mostCodeBytes(65_536)
  test.each([1, 32, 129, 130, 260, 261, 300, 1000, 8192, longest])(
    'no sum of the tables of %i bytes leaves the scores',
    (columns) => {
      const arena = open()
      const shape = codeShape(65_536, columns)
      expect(shape.subs).toBe(2 * columns)
      const levels = tableLevels(shape)
      expect(levels).toBeGreaterThanOrEqual(1)
      expect(levels * 4).toBeLessThan(256)
      expect(levels * shape.subs).toBeLessThanOrEqual(32_767)
      const tables = putBytes(arena, new Array<number>(shape.subs * 16).fill(levels))
      // Two blocks and one more, so that both loops are met; no centroid stands before them that counts.
      const codes = putBytes(arena, new Array<number>(24 + 3 * 16 * columns).fill(0xf0))
      const out = room(arena, 96)
      const [leaves, offsets, bases] = [[0], [0, 48], [0]].map((values) => putIntegers(arena, values))
      arena.kernels.scanCodes(leaves!, 1, 1, codes, offsets!, columns, columns + 4, 0, tables, bases!, out.address)
      expect(Array.from(arena.i16(out.address, 48))).toEqual(new Array(48).fill(levels * shape.subs))
    },
  )
})
