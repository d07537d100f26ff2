import { UnsupportedError } from './errors.js'

/** The error of a runtime that cannot train. */
export function cannotTrain(): UnsupportedError {
  return new UnsupportedError(
    'this runtime cannot train a router, which an index of so many rows needs; build it in Node, Bun, Deno or a browser, and open it here',
  )
}
