import { rowStride, TYPE_CODE, type StoredType } from '../base/matrix.js'
import type { Metric } from '../base/options.js'
import type { Arena } from '../kernels/memory.js'
import { padded } from '../tree/router.js'

/** No row: a list of positions has ended. */
export const NO_ROW = 0xffff_ffff
/** Rows copied and widened at a time. */
const BLOCK = 512

/** The rows of an index under construction, by position. */
export interface PointTable {
  readonly memory: WebAssembly.Memory
  /** Names the memory: every message to a worker brings new objects for it. */
  readonly key: number
  /** Address of the rows in `memory`. */
  readonly rows: number
  /** Address of the reciprocal norms f32 [size] in `memory`; 0 unless cosine. */
  readonly scales: number
  readonly size: number
  readonly dim: number
  readonly metric: Metric
  readonly rowType: StoredType
}

/**
 * Reads rows as f32 points, padded to `width`, into an arena of the thread's own. Under cosine they come at unit
 * length: clusters, routing and answers all live on the sphere.
 */
export class Points {
  readonly width: number
  readonly table: PointTable
  readonly #arena: Arena
  readonly #stage: number
  readonly #factors: number
  readonly #stride: number
  readonly #bytes: Uint8Array
  readonly #scales: Float32Array

  constructor(table: PointTable, arena: Arena) {
    this.table = table
    this.#arena = arena
    this.width = padded(table.dim)
    this.#stride = rowStride(table.rowType, table.dim)
    this.#bytes = new Uint8Array(table.memory.buffer, table.rows, table.size * this.#stride)
    this.#scales = new Float32Array(table.memory.buffer, table.scales, table.scales === 0 ? 0 : table.size)
    this.#stage = arena.allocate(BLOCK * (this.#stride + 4))
    this.#factors = this.#stage + BLOCK * this.#stride
  }

  /** Give the staging buffer back. */
  close(): void {
    this.#arena.free(this.#stage)
  }

  /** Read the rows at `positions` to f32 [positions.length * width] at `address`. */
  gather(positions: Uint32Array, address: number): void {
    const stage = this.#arena.u8(this.#stage, BLOCK * this.#stride)
    const stride = this.#stride
    for (let done = 0; done < positions.length; done += BLOCK) {
      const count = Math.min(BLOCK, positions.length - done)
      for (let i = 0; i < count; i++) {
        const at = positions[done + i]! * stride
        stage.set(this.#bytes.subarray(at, at + stride), i * stride)
      }
      this.#widen(count, address + done * this.width * 4)
      this.#scale(count, address + done * this.width * 4, (i) => positions[done + i]!)
    }
  }

  /** Read `count` rows from position `first` on. */
  range(first: number, count: number, address: number): void {
    const stage = this.#arena.u8(this.#stage, BLOCK * this.#stride)
    const stride = this.#stride
    for (let done = 0; done < count; done += BLOCK) {
      const some = Math.min(BLOCK, count - done)
      stage.set(this.#bytes.subarray((first + done) * stride, (first + done + some) * stride))
      this.#widen(some, address + done * this.width * 4)
      this.#scale(some, address + done * this.width * 4, (i) => first + done + i)
    }
  }

  /** Read the scales of `count` rows from position `first` on, of which there are none but under cosine. */
  rangeScales(first: number, count: number, address: number): void {
    this.#arena.f32(address, count).set(this.#scales.subarray(first, first + count))
  }

  /** Read `count` rows of whole numbers from position `first` on as i16, `stride` bytes apart. */
  rangeIntegers(first: number, count: number, address: number, stride: number): void {
    const { rowType, dim } = this.table
    for (let done = 0; done < count; done += BLOCK) {
      const some = Math.min(BLOCK, count - done)
      const from = (first + done) * this.#stride
      const out = address + done * stride
      this.#arena.u8(this.#stage, some * this.#stride).set(this.#bytes.subarray(from, from + some * this.#stride))
      this.#arena.kernels.widenIntegers(TYPE_CODE[rowType], this.#stage, this.#stride, some, dim, out, stride)
    }
  }

  /** Half the squared length of each of `count` rows from position `first` on, as they are stored: f32 at `address`. */
  halfNorms(first: number, count: number, address: number): void {
    const { rowType, dim } = this.table
    for (let done = 0; done < count; done += BLOCK) {
      const some = Math.min(BLOCK, count - done)
      const from = (first + done) * this.#stride
      this.#arena.u8(this.#stage, some * this.#stride).set(this.#bytes.subarray(from, from + some * this.#stride))
      this.#arena.kernels.squaredNorms(TYPE_CODE[rowType], this.#stage, this.#stride, some, dim, address + done * 4)
    }
    const norms = this.#arena.f32(address, count)
    for (let i = 0; i < count; i++) norms[i]! /= 2
  }

  #widen(count: number, address: number): void {
    const { rowType, dim } = this.table
    this.#arena.kernels.widen(TYPE_CODE[rowType], this.#stage, this.#stride, count, dim, address, this.width * 4)
  }

  #scale(count: number, address: number, position: (i: number) => number): void {
    if (this.#scales.length === 0) return
    const factors = this.#arena.f32(this.#factors, count)
    for (let i = 0; i < count; i++) factors[i] = this.#scales[position(i)]!
    this.#arena.kernels.scaleRows(address, this.width * 4, count, this.width, this.#factors)
  }
}
