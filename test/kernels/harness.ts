import { readFileSync } from 'node:fs'
import { describe } from '@jest/globals'
import { toHalf } from '../../build/base/convert.js'
import { fromHalf } from '../../build/base/half.js'
import { COMPONENT_BYTES, ROW_TYPES, rowStride } from '../../build/base/matrix.js'
import { type Rng } from '../../build/base/rng.js'
import { setKernelModule } from '../../build/kernels/load.js'
import { Arena } from '../../build/kernels/memory.js'

export const DIMS = [1, 3, 4, 5, 15, 16, 17, 31, 128]
export const COUNTS = [0, 1, 3, 4, 5, 33]

/** Run a suite on each binary; where this runtime refuses one, its tests are skipped and the reason is printed. */
export function onEachBinary(suite: (open: () => Arena) => void): void {
  for (const name of ['debug', 'strict', 'relaxed']) {
    const bytes = readFileSync(new URL(`../../build/wasm/${name}.wasm`, import.meta.url))
    const accepted = WebAssembly.validate(bytes)
    if (!accepted) console.info(`skipped: ${name}.wasm, because this runtime (${process.version}) refuses the binary`)
    let module: WebAssembly.Module | undefined
    const open = (): Arena => {
      setKernelModule((module ??= new WebAssembly.Module(bytes)))
      return Arena.create(1 << 20)
    }
    ;(accepted ? describe : describe.skip)(name, () => suite(open))
  }
}

/** Copy an array into an arena. */
export function put(arena: Arena, values: Float32Array | Uint32Array | Int16Array | Uint8Array): number {
  const address = arena.allocate(values.byteLength)
  arena.u8(address, values.byteLength).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  return address
}

export const putFloats = (arena: Arena, values: ArrayLike<number>): number => put(arena, Float32Array.from(values))
export const putIntegers = (arena: Arena, values: ArrayLike<number>): number => put(arena, Uint32Array.from(values))

/** Random values: whole numbers that every row type holds, or floats. */
export function randomValues(rng: Rng, count: number, whole: boolean, low = -7): number[] {
  return Array.from({ length: count }, () => (whole ? low + rng.below(8 - low) : Math.fround(rng.normal())))
}

export interface StoredRows {
  readonly address: number
  readonly stride: number
  /** The values as stored: what the type rounded them to. */
  readonly values: number[][]
}

/** Store rows of a type code in an arena. */
export function storeRows(arena: Arena, type: number, rows: readonly (readonly number[])[], dim: number): StoredRows {
  const name = ROW_TYPES[type]!
  const stride = rowStride(name, dim)
  const address = arena.allocate(stride * rows.length)
  const view = new DataView(arena.memory.buffer, address, stride * rows.length)
  const values = rows.map((row, r) =>
    row.map((value, i) => {
      const at = r * stride + i * COMPONENT_BYTES[name]
      if (type === 0) view.setFloat32(at, value, true)
      else if (type === 1) view.setUint16(at, toHalf(value), true)
      else if (type === 2) view.setUint8(at, value)
      else view.setInt8(at, value)
      if (type === 0) return view.getFloat32(at, true)
      if (type === 1) return fromHalf(view.getUint16(at, true))
      return type === 2 ? view.getUint8(at) : view.getInt8(at)
    }),
  )
  return { address, stride, values }
}

/** An f32 query, padded with zeros to a multiple of 16. */
export function storeQuery(arena: Arena, values: readonly number[]): number {
  const padded = new Float32Array((values.length + 15) & ~15)
  padded.set(values)
  return put(arena, padded)
}

/** A query of whole numbers as i16, padded with zeros to a multiple of 16. */
export function storeIntegerQuery(arena: Arena, values: readonly number[]): number {
  const padded = new Int16Array((values.length + 15) & ~15)
  padded.set(values)
  return put(arena, padded)
}

/** Bound of the rounding error of a sum of `dim` terms. */
export function tolerance(dim: number, magnitude: number): number {
  return (dim + 4) * 2 ** -23 * magnitude
}
