// @ts-check
import { toHalf } from '../../build/base/convert.js'
import { fromHalf } from '../../build/base/half.js'
import { rowStride, stepAt, STORED_TYPES, TYPE_CODE } from '../../build/base/matrix.js'
import { Rng } from '../../build/base/rng.js'
import { MOST_QUERY_STEP } from '../../build/search/query.js'

/** Components of a row. */
export const DIM = 128
/** Rows that the scalar twins work on: their time for more would say no more. */
export const TWIN_ROWS = 64
/** Rows made at random; they repeat from there on. */
const RANDOM_ROWS = 1024

/** @typedef {{ address: number, stride: number, count: number, bytes: number, values: Float32Array[] }} StoredRows */

/** Inputs in an arena for the kernels, and the same values as arrays for their twins. */
export class Stage {
  /**
   * @param {import('../../build/kernels/memory.js').Arena} arena
   * @param {number} bytes - of rows in a table: well beyond the caches, so that memory is read.
   */
  constructor(arena, bytes) {
    this.arena = arena
    this.kernels = arena.kernels
    this.bytes = bytes
    this.rng = new Rng(1)
    /** @type {Map<number, StoredRows>} */
    this.tables = new Map()
  }

  /** Bytes for a kernel to write to. @param {number} bytes */
  space(bytes) {
    return this.arena.allocate(bytes)
  }

  /** Random floats. @param {number} count */
  floats(count) {
    const values = Float32Array.from({ length: count }, () => this.rng.normal())
    const address = this.arena.allocate(count * 4)
    this.arena.f32(address, count).set(values)
    return { address, values, count }
  }

  /** Whole numbers as u32. @param {number[]} values */
  integers(values) {
    const address = this.arena.allocate(values.length * 4)
    this.arena.u32(address, values.length).set(values)
    return { address, values, count: values.length }
  }

  /** Distinct numbers below a bound, in no order. @param {number} count @param {number} bound */
  scattered(count, bound) {
    const all = Uint32Array.from({ length: bound }, (_, i) => i)
    return this.integers([...this.rng.shuffle(all).subarray(0, count)])
  }

  /** A query: f32, or i16 for whole numbers against 8-bit rows, or in steps with their unit. @param {number} type */
  query(type) {
    if (type === TYPE_CODE.i10) {
      const { address: floats, values } = this.floats(DIM)
      const address = this.arena.allocate(DIM * 2 + 16)
      this.arena.f32(address + DIM * 2, 1)[0] = this.kernels.quantize(floats, DIM, MOST_QUERY_STEP, address)
      return { address, values, kind: 1 }
    }
    const values = Float32Array.from({ length: DIM }, () => (type > 1 ? this.rng.below(100) : this.rng.normal()))
    const address = this.arena.allocate(DIM * 4)
    if (type > 1) this.arena.i16(address, DIM).set(values)
    else this.arena.f32(address, DIM).set(values)
    return { address, values, kind: type > 1 ? 1 : 0 }
  }

  /** A table of rows of a type code. @param {number} type @returns {StoredRows} */
  rows(type) {
    const found = this.tables.get(type)
    if (found !== undefined) return found
    const name = STORED_TYPES[type] ?? 'f32'
    const stride = rowStride(name, DIM)
    const count = Math.floor(this.bytes / stride)
    const address = this.arena.allocate(count * stride)
    const all = this.arena.u8(address, count * stride)
    const made = Math.min(RANDOM_ROWS, count)
    const values = Array.from({ length: made }, (_, row) => this.fill(type, address + row * stride))
    for (let done = made * stride; done < all.length; done *= 2)
      all.copyWithin(done, 0, Math.min(done, all.length - done))
    const table = { address, stride, count, bytes: count * stride, values: values.slice(0, TWIN_ROWS) }
    this.tables.set(type, table)
    return table
  }

  /** Write one random row; its values as stored. @param {number} type @param {number} address */
  fill(type, address) {
    if (type === TYPE_CODE.i10) {
      const stride = rowStride('i10', DIM)
      const bytes = this.arena.u8(address, stride).fill(0)
      this.kernels.packSteps(this.floats(DIM).address, DIM * 4, 1, DIM, address, stride, this.space(4))
      return Float32Array.from({ length: DIM }, (_, i) => stepAt(bytes, 0, i))
    }
    if (type === 1) {
      const bits = Uint16Array.from({ length: DIM }, () => toHalf(this.rng.normal()))
      new Uint16Array(this.arena.memory.buffer, address, DIM).set(bits)
      return Float32Array.from(bits, fromHalf)
    }
    const values = Float32Array.from({ length: DIM }, () => (type === 0 ? this.rng.normal() : this.rng.below(100)))
    if (type === 0) this.arena.f32(address, DIM).set(values)
    else this.arena.u8(address, DIM).set(values)
    return values
  }
}
