import { CapacityError } from '../base/errors.js'
import { sharedBuffer, sharedF32, sharedU32 } from '../base/shared.js'
import { Arena } from '../kernels/memory.js'

/** Keys of memories that only a build knows are negative; those of indexes are not. */
let lastKey = 0

/**
 * Big arrays that come and go during a build, in one memory that its threads share: what one step gives back the next one
 * takes. A collector of garbage does not see the size of shared arrays, and would leave hundreds of megabytes of them
 * behind. The memory goes with the build, and with it what was never given back.
 */
export class Workspace {
  readonly arena = Arena.create()
  /** Of the arena, for tasks. */
  readonly key = --lastKey
  readonly #given = new WeakSet<ArrayBufferView>()

  /** Zeroes that workers can fill. */
  u8(length: number): Uint8Array {
    const address = this.#allocate(length)
    if (address === undefined) return new Uint8Array(sharedBuffer(length))
    return this.#own(this.arena.u8(address, length))
  }

  /** Zeroes that workers can fill. */
  i16(length: number): Int16Array {
    const address = this.#allocate(length * 2)
    if (address === undefined) return new Int16Array(sharedBuffer(length * 2))
    return this.#own(this.arena.i16(address, length))
  }

  /** Zeroes that workers can fill. */
  u32(length: number): Uint32Array {
    const address = this.#allocate(length * 4)
    if (address === undefined) return sharedU32(length)
    return this.#own(this.arena.u32(address, length))
  }

  /** Zeroes that workers can fill. */
  f32(length: number): Float32Array {
    const address = this.#allocate(length * 4)
    if (address === undefined) return sharedF32(length)
    return this.#own(this.arena.f32(address, length))
  }

  /** The same values where workers see them. */
  copyU32(values: ArrayLike<number>): Uint32Array {
    const copy = this.u32(values.length)
    copy.set(values)
    return copy
  }

  /** The same values where workers see them. */
  copyF32(values: ArrayLike<number>): Float32Array {
    const copy = this.f32(values.length)
    copy.set(values)
    return copy
  }

  /** Take arrays of this workspace back: neither the caller nor a task may look at them again. Others are left alone. */
  give(...arrays: readonly ArrayBufferView[]): void {
    for (const array of arrays) if (this.#given.delete(array)) this.arena.free(array.byteOffset)
  }

  #own<T extends ArrayBufferView>(array: T): T {
    this.#given.add(array)
    return array
  }

  /** Views of a memory that is not shared end when it grows; and a memory has an end. */
  #allocate(bytes: number): number | undefined {
    if (!this.arena.shared) return undefined
    try {
      return this.arena.allocate(bytes)
    } catch (error) {
      if (error instanceof CapacityError) return undefined
      throw error
    }
  }
}
