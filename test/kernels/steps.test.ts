import { describe, expect, test } from '@jest/globals'
import { rowRoom, rowStride, stepAt, TYPE_CODE } from '../../build/base/matrix.js'
import { Rng } from '../../build/base/rng.js'
import type { Arena } from '../../build/kernels/memory.js'
import { MOST_QUERY_STEP } from '../../build/search/query.js'
import { quantize } from '../reference/codes.js'
import { MOST_STEP, packSteps } from '../reference/steps.js'
import { room } from './code-cases.js'
import { onEachBinary, put, tolerance } from './harness.js'

const DIMS = [1, 3, 15, 16, 17, 48, 63, 64, 65, 130, 384]
const COSINE = 2
const INTEGERS = 1

/** Rows of steps in an arena, with the steps as numbers. */
function storeSteps(arena: Arena, rows: readonly Float32Array[], dim: number) {
  const stride = rowStride('i10', dim)
  const address = arena.allocate(stride * rows.length)
  const steps = rows.map((row, i) => {
    packSteps(row, arena.u8(address + i * stride, stride))
    const bytes = arena.u8(address, stride * rows.length)
    return Array.from(row, (_, j) => stepAt(bytes, i * stride, j))
  })
  return { address, stride, steps }
}

/** A query in whole numbers, padded with zeros to a multiple of 16, and its unit. */
function storeStepQuery(arena: Arena, { steps, unit }: { steps: number[]; unit: number }): number {
  const room = (steps.length + 15) & ~15
  const padded = new Int16Array(room + 8)
  padded.set(steps)
  new Float32Array(padded.buffer, room * 2)[0] = unit
  return put(arena, padded)
}

const randomRow = (rng: Rng, dim: number): Float32Array => Float32Array.from({ length: dim }, () => rng.normal())

describe('rows in steps', () => {
  test.each(DIMS)('%i components lie within half a step of what they were, with zeros behind them', (dim) => {
    const row = randomRow(new Rng(dim), dim)
    const bytes = new Uint8Array(rowStride('i10', dim))
    const unit = packSteps(row, bytes)
    const largest = Math.max(...row.map(Math.abs))
    expect(unit).toBeCloseTo(largest / MOST_STEP, 6)
    row.forEach((value, i) => {
      expect(Math.abs(stepAt(bytes, 0, i) * unit - value)).toBeLessThanOrEqual(unit * 0.501)
      expect(Math.abs(stepAt(bytes, 0, i))).toBeLessThanOrEqual(MOST_STEP)
    })
    for (let i = dim; i < rowRoom('i10', dim); i++) expect(stepAt(bytes, 0, i)).toBe(0)
  })

  test('a row of zeros stays one, and the ends of the range are kept', () => {
    const bytes = new Uint8Array(rowStride('i10', 3))
    expect(packSteps([0, 0, 0], bytes)).toBe(0)
    expect([...bytes].every((byte) => byte === 0)).toBe(true)
    packSteps([-2, 2, 0.001], bytes)
    expect([0, 1, 2].map((i) => stepAt(bytes, 0, i))).toEqual([-MOST_STEP, MOST_STEP, 0])
  })
})

onEachBinary((open) => {
  test.each(DIMS)('packSteps packs the bits of its twin, %i components, and nothing beside them', (dim) => {
    const arena = open()
    const rng = new Rng(dim)
    const rows = [
      ...Array.from({ length: 4 }, () => randomRow(rng, dim)),
      new Float32Array(dim),
      // Halves of a step go up, on either side of zero.
      Float32Array.from({ length: dim }, (_, i) => (i === 0 ? 2 * MOST_STEP : (i % 9) - 4)),
      Float32Array.from({ length: dim }, () => 1e-42 * rng.below(9)),
      Float32Array.from({ length: dim }, (_, i) => (i % 2 === 0 ? 3.4e38 : -3.4e38)),
    ]
    const [from, stride] = [(dim + 5) * 4, rowStride('i10', dim)]
    const address = arena.allocate(rows.length * from)
    rows.forEach((row, i) => arena.f32(address + i * from, dim).set(row))
    const [out, units] = [room(arena, rows.length * stride), room(arena, rows.length * 4)]
    arena.u8(out.address, rows.length * stride).fill(0)
    arena.kernels.packSteps(address, from, rows.length, dim, out.address, stride, units.address)
    const wanted = new Uint8Array(rows.length * stride)
    const steps = rows.map((row, i) => packSteps(row, wanted.subarray(i * stride, (i + 1) * stride)))
    expect(Array.from(arena.f32(units.address, rows.length))).toEqual(steps)
    expect(Array.from(arena.u8(out.address, wanted.length))).toEqual(Array.from(wanted))
    expect([out.untouched(), units.untouched()]).toEqual([true, true])
  })

  test.each(DIMS)('widen, widenIntegers and squaredNorms read the steps exactly, %i components', (dim) => {
    const arena = open()
    const rng = new Rng(dim)
    const { address, stride, steps } = storeSteps(
      arena,
      Array.from({ length: 5 }, () => randomRow(rng, dim)),
      dim,
    )
    const width = (dim + 3) & ~3
    const out = arena.allocate(5 * width * 4)
    arena.kernels.widen(TYPE_CODE.i10, address, stride, 5, dim, out, width * 4)
    const wanted = steps.flatMap((row) => [...row, ...new Array<number>(width - dim).fill(0)])
    expect(Array.from(arena.f32(out, 5 * width))).toEqual(wanted)
    const eights = (dim + 7) & ~7
    const integers = arena.allocate(5 * eights * 2)
    arena.i16(integers, 5 * eights).fill(99)
    arena.kernels.widenIntegers(TYPE_CODE.i10, address, stride, 5, dim, integers, eights * 2)
    const whole = steps.flatMap((row) => [...row, ...new Array<number>(eights - dim).fill(0)])
    expect(Array.from(arena.i16(integers, 5 * eights))).toEqual(whole)
    const norms = arena.allocate(20)
    arena.kernels.squaredNorms(TYPE_CODE.i10, address, stride, 5, dim, norms)
    steps.forEach((row, i) => {
      const sum = row.reduce((total, step) => total + step * step, 0)
      expect(Math.abs(arena.f32(norms, 5)[i]! - sum)).toBeLessThanOrEqual(tolerance(dim, sum))
    })
  })

  test.each(DIMS)('cosine distances are those of the steps, %i components', (dim) => {
    const arena = open()
    const rng = new Rng(dim + 1)
    const rows = Array.from({ length: 7 }, () => randomRow(rng, dim))
    const { address, stride, steps } = storeSteps(arena, rows, dim)
    const query = Array.from(randomRow(rng, dim))
    const scales = arena.allocate(28)
    steps.forEach((row, i) => (arena.f32(scales, 7)[i] = 1 / Math.hypot(...row)))
    const out = arena.allocate(28)
    const whole = quantize(query, MOST_QUERY_STEP)
    const at = storeStepQuery(arena, whole)
    arena.kernels.distances(COSINE, TYPE_CODE.i10, INTEGERS, at, dim, address, stride, 7, scales, out)
    steps.forEach((row, i) => {
      const scale = arena.f32(scales, 7)[i]!
      const products = row.map((step, j) => step * whole.steps[j]! * whole.unit)
      const sum = products.reduce((total, product) => total + product, 0)
      const bound =
        tolerance(
          dim,
          products.reduce((total, product) => total + Math.abs(product), 0),
        ) * scale
      expect(Math.abs(arena.f32(out, 7)[i]! - (1 - sum * scale))).toBeLessThanOrEqual(bound + 2e-7)
    })
  })

  test.each([16, 64, 384, 1536])('the largest steps and queries do not overflow, %i components', (dim) => {
    const arena = open()
    const signs = Array.from({ length: dim }, (_, i) => (i % 3 === 0 ? -1 : 1))
    const { address, stride } = storeSteps(arena, [Float32Array.from(signs), Float32Array.from(signs, (x) => -x)], dim)
    const at = storeStepQuery(arena, { steps: signs.map((sign) => sign * MOST_QUERY_STEP), unit: 1 })
    const scales = put(arena, Float32Array.of(1, 1))
    const out = arena.allocate(8)
    arena.kernels.distances(COSINE, TYPE_CODE.i10, INTEGERS, at, dim, address, stride, 2, scales, out)
    const sum = MOST_STEP * MOST_QUERY_STEP * dim
    const [near, far] = arena.f32(out, 2)
    expect(Math.abs(near! + sum)).toBeLessThanOrEqual(tolerance(dim, sum))
    expect(Math.abs(far! - sum)).toBeLessThanOrEqual(tolerance(dim, sum))
  })
})
