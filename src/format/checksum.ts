import { createXXHash3 } from 'hash-wasm'
import { HEADER, TABLE_END } from './layout.js'
import type { Pace } from './pace.js'

type Hasher = Awaited<ReturnType<typeof createXXHash3>>

/** Bytes hashed between two looks at the clock: about a quarter of a millisecond. */
const BLOCK = 1 << 20

/** Instances that no one uses now: as many as ever worked at once. */
const idle: Hasher[] = []

/**
 * XXH3-64 (seed 0) of regions of bytes, one at a time; views of shared memory are fine.
 * @see Yann Collet, xxHash; computed by hash-wasm.
 */
export class Checksum {
  readonly #hasher: Hasher
  private constructor(hasher: Hasher) {
    this.#hasher = hasher
  }

  /** Lend a checksum to `work`. Each has a state of its own, so opens and saves run side by side. */
  static async use<T>(work: (checksum: Checksum) => Promise<T>): Promise<T> {
    const hasher = idle.pop() ?? (await createXXHash3())
    try {
      return await work(new Checksum(hasher))
    } finally {
      idle.push(hasher)
    }
  }

  /** The checksum of `bytes`, with turns of the event loop in between. */
  async of(bytes: Uint8Array, pace: Pace): Promise<bigint> {
    this.#hasher.init()
    for (let start = 0; start < bytes.length; start += BLOCK) {
      this.#hasher.update(bytes.subarray(start, start + BLOCK))
      await pace.turn()
    }
    return this.#digest()
  }

  /** The checksum of header and table, its own field left out. */
  ofTable(region: Uint8Array): bigint {
    const { offset } = HEADER.tableChecksum
    this.#hasher.init()
    this.#hasher.update(region.subarray(0, offset))
    this.#hasher.update(region.subarray(offset + 8, TABLE_END))
    return this.#digest()
  }

  #digest(): bigint {
    const digest = this.#hasher.digest('binary')
    return new DataView(digest.buffer, digest.byteOffset, 8).getBigUint64(0, false)
  }
}
