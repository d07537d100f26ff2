import { tagOf } from './kinds.js'

/**
 * Memory that threads can share, where the runtime has it: not on a page without cross-origin isolation, nor on most edge
 * runtimes. What does without it works on one thread.
 */

/** Whether threads of this runtime can share memory. */
export function canShare(): boolean {
  return typeof SharedArrayBuffer === 'function'
}

/** Zeroed bytes, shared where that can be. */
export function sharedBuffer(bytes: number): ArrayBufferLike {
  return canShare() ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes)
}

/** Zeroes, shared where that can be. */
export function sharedU32(length: number): Uint32Array {
  return new Uint32Array(sharedBuffer(length * 4))
}

/** Zeroes, shared where that can be. */
export function sharedF32(length: number): Float32Array {
  return new Float32Array(sharedBuffer(length * 4))
}

/** Whether other threads can read and write the same bytes. */
export function isShared(buffer: ArrayBufferLike): boolean {
  return tagOf(buffer) === 'SharedArrayBuffer'
}
