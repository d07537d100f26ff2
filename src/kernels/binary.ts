import { InvalidArgumentError } from '../base/errors.js'

/**
 * The two forms of a kernel binary. A module that imports a shared memory links to no plain one, nor the reverse; the two
 * differ in one bit, so the library carries the plain form and sets the bit where threads can share memory.
 * ```
 * import section: ... | 3 "env" | 6 "memory" | 2 (memory) | flags: 1 maximum, 2 shared | ...
 * ```
 */
const MEMORY_IMPORT = [3, 101, 110, 118, 6, 109, 101, 109, 111, 114, 121, 2]
const HAS_MAXIMUM = 1
const SHARED = 2

/** The same binary, importing a shared memory or a plain one. Changes `bytes` in place, and returns them. */
export function withMemory(bytes: Uint8Array<ArrayBuffer>, shared: boolean): Uint8Array<ArrayBuffer> {
  const at = bytes.findIndex((_, i) => MEMORY_IMPORT.every((byte, j) => bytes[i + j] === byte))
  if (at < 0) throw noKernels()
  bytes[at + MEMORY_IMPORT.length] = HAS_MAXIMUM | (shared ? SHARED : 0)
  return bytes
}

/** Characters from the space on that stand for a byte of their own in a binary as text; each of the others begins a pair. */
const SINGLES = 92

/** A binary from the text as which assembly/inline.js puts it into a module. */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = []
  let high = -1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i) - 32
    if (code >= SINGLES) high = code - SINGLES
    else {
      bytes.push(high < 0 ? bytes[code]! : high * SINGLES + code)
      high = -1
    }
  }
  // The text begins with the bytes of the single characters.
  return Uint8Array.from(bytes.slice(SINGLES))
}

/** What differs between two binaries: [bytes that stay before it, bytes that go, ...bytes that come]. */
export type Edit = readonly number[]

/** Apply edits: the relaxed binary differs from the strict one in a few instructions. */
export function applyEdits(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array<ArrayBuffer> {
  const out = [...bytes]
  let at = 0
  for (const [stay, gone, ...come] of edits) {
    out.splice((at += stay!), gone!, ...come)
    at += come.length
  }
  return Uint8Array.from(out)
}

/** What was given as the kernels is something else. */
export function noKernels(cause?: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    'wasm',
    'wasm does not hold the kernels of this release; give kernels.wasm or kernels-relaxed.wasm of the same version of batl',
    { cause },
  )
}
