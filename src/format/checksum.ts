import { Arena } from '../kernels/memory.js'
import { HEADER, TABLE_END } from './layout.js'
import type { Pace } from './pace.js'

/** Bytes that the kernel hashes together. */
const BLOCK = 1024
/** Blocks copied to the kernel's memory, and hashed, between two looks at the clock: far below a millisecond. */
const BLOCKS = 256
/** The last bytes of an input reach back into those before them. */
const STRIPE = 64
/** Inputs up to here are hashed in one go. */
const SHORT = 240
const STATE_BYTES = 128

/**
 * XXH3-64 (seed 0) of regions of bytes, one at a time, wherever they lie: those outside of the kernels' memory are copied there
 * piece by piece.
 * ```
 * | state | stripe before | up to 256 blocks |
 * ```
 * @see Yann Collet, xxHash
 */
export class Checksum {
  readonly #arena: Arena
  readonly #state: number
  readonly #stage: number

  private constructor(arena: Arena) {
    this.#arena = arena
    this.#state = this.#arena.allocate(STATE_BYTES + STRIPE + BLOCKS * BLOCK)
    this.#stage = this.#state + STATE_BYTES + STRIPE
  }

  /**
   * Lend a checksum to `work`. Each has a state of its own, so opens and saves run side by side.
   * @param place - where the bytes lie: a shared memory's are hashed in place. A plain one is left alone, since room for the
   * state could make it grow, and views of it end then.
   */
  static async use<T>(work: (checksum: Checksum) => Promise<T>, place?: Arena): Promise<T> {
    const checksum = new Checksum(place?.shared === true ? place : Arena.common())
    try {
      return await work(checksum)
    } finally {
      checksum.#arena.free(checksum.#state)
    }
  }

  /**
   * The checksum of `bytes`, with turns of the event loop in between.
   * @param arrived - resolves once the first so many of them are there; all are where it is left out.
   */
  async of(bytes: Uint8Array, pace: Pace, arrived?: (count: number) => Promise<void>): Promise<bigint> {
    const { length } = bytes
    if (length <= SHORT) await arrived?.(length)
    if (length <= SHORT) return this.#short(bytes)
    const { kernels } = this.#arena
    kernels.hashStart(this.#state)
    const blocks = Math.floor((length - 1) / BLOCK)
    const inPlace = this.#arena.shared && bytes.buffer === this.#arena.memory.buffer
    for (let done = 0; done < blocks; done += BLOCKS) {
      const some = Math.min(BLOCKS, blocks - done)
      await arrived?.((done + some) * BLOCK)
      if (!inPlace) this.#put(bytes.subarray(done * BLOCK, (done + some) * BLOCK))
      kernels.hashBlocks(this.#state, inPlace ? bytes.byteOffset + done * BLOCK : this.#stage, some)
      await pace.turn()
    }
    await arrived?.(length)
    const end = blocks * BLOCK
    const before = Math.min(STRIPE, end)
    this.#put(bytes.subarray(end - before), -before)
    kernels.hashEnd(this.#state, this.#stage, length - end, length)
    return this.#result()
  }

  /** The checksum of header and table, its own field left out. */
  ofTable(region: Uint8Array): bigint {
    const { offset } = HEADER.tableChecksum
    const bytes = new Uint8Array(TABLE_END - 8)
    bytes.set(region.subarray(0, offset))
    bytes.set(region.subarray(offset + 8, TABLE_END), offset)
    const { kernels } = this.#arena
    const end = Math.floor((bytes.length - 1) / BLOCK) * BLOCK
    this.#put(bytes)
    kernels.hashStart(this.#state)
    kernels.hashBlocks(this.#state, this.#stage, end / BLOCK)
    kernels.hashEnd(this.#state, this.#stage + end, bytes.length - end, bytes.length)
    return this.#result()
  }

  #short(bytes: Uint8Array): bigint {
    this.#put(bytes)
    this.#arena.kernels.hashShort(this.#state, this.#stage, bytes.length)
    return this.#result()
  }

  #put(bytes: Uint8Array, offset = 0): void {
    this.#arena.u8(this.#stage + offset, bytes.length).set(bytes)
  }

  #result(): bigint {
    return new DataView(this.#arena.memory.buffer, this.#state + 64, 8).getBigUint64(0, true)
  }
}
