import { FormatError } from '../base/errors.js'

/** The error of a file that is not as FORMAT.md says; `offset` is the byte at which that shows. */
export function damaged(message: string, offset: number): FormatError {
  return new FormatError(
    `${message}; the file is damaged or was not written by batl, copy it again or build it again`,
    offset,
  )
}

/**
 * Refuse bytes [from, to) that are not zero.
 * @param what - their name, made only for an error.
 * @param base - what an error adds to the place among `bytes`.
 */
export function checkZero(bytes: Uint8Array | Int8Array, from: number, to: number, what: () => string, base = 0): void {
  for (let i = from; i < to; i++) {
    if (bytes[i] !== 0) throw damaged(`${what()} is not zero`, base + i)
  }
}
