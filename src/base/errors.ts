/** A code that names one kind of failure; stable across releases. */
export type ErrorCode = `BATL_${string}`

/**
 * Every failure this library reports. Match `code`: it is stable, and survives a worker boundary, where the class does not.
 * The message says what was given, what was wanted and what to do.
 */
export class BatlError extends Error {
  /** The name of the class. */
  // Bundlers rename classes, so the name is no class's.
  override readonly name: string = 'BatlError'
  /** Names the kind of failure; match this. */
  readonly code: ErrorCode
  constructor(message: string, code: ErrorCode = 'BATL_ERROR', options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** An argument or option has the wrong type, name or value; `argument` names it. */
export class InvalidArgumentError extends BatlError {
  override readonly name: string = 'InvalidArgumentError'
  /** Name of the argument or option. */
  readonly argument: string
  constructor(argument: string, message: string, options?: ErrorOptions) {
    super(message, 'BATL_INVALID_ARGUMENT', options)
    this.argument = argument
  }
}

/** A vector has another number of components than the index or the block it belongs to. */
export class DimensionMismatchError extends BatlError {
  override readonly name: string = 'DimensionMismatchError'
  /** Components that the index or block has. */
  readonly expected: number
  /** Components that were given. */
  readonly received: number
  constructor(expected: number, received: number, what = 'the query') {
    super(
      `${what} has ${received} components, but ${expected} are expected; use the model and settings that made the indexed vectors`,
      'BATL_DIMENSION_MISMATCH',
    )
    this.expected = expected
    this.received = received
  }
}

/** What was asked for does not fit; `limit` and `wanted` are in the unit that the message names. */
export class CapacityError extends BatlError {
  override readonly name: string = 'CapacityError'
  /** The most there can be. */
  readonly limit: number
  /** What was asked for. */
  readonly wanted: number
  constructor(message: string, limit: number, wanted: number) {
    super(message, 'BATL_CAPACITY')
    this.limit = limit
    this.wanted = wanted
  }
}

/** A file is not what it should be; `offset` is the byte at which that shows. */
export class FormatError extends BatlError {
  override readonly name: string = 'FormatError'
  /** Byte of the file, from 0. */
  readonly offset: number
  constructor(message: string, offset: number, options?: ErrorOptions) {
    super(message, 'BATL_FORMAT', options)
    this.offset = offset
  }
}

/** A file was written by a version whose format this one does not know. */
export class VersionError extends BatlError {
  override readonly name: string = 'VersionError'
  /** Version of the file's format. */
  readonly found: string
  /** Versions that this release reads. */
  readonly supported: string
  constructor(found: string, supported: string) {
    super(
      `the file has format version ${found}, but this release reads ${supported}; install a release of batl that knows ${found}`,
      'BATL_VERSION',
    )
    this.found = found
    this.supported = supported
  }
}

/** The index was closed. */
export class ClosedError extends BatlError {
  override readonly name: string = 'ClosedError'
  constructor(message = 'the index is closed; open or build it again') {
    super(message, 'BATL_CLOSED')
  }
}

/** This runtime, or this index, cannot do what was asked. */
export class UnsupportedError extends BatlError {
  override readonly name: string = 'UnsupportedError'
  constructor(message: string, options?: ErrorOptions) {
    super(message, 'BATL_UNSUPPORTED', options)
  }
}

/** The plain form in which an error crosses a thread boundary: structured clone keeps neither class nor fields. */
export interface PlainError {
  code: string
  message: string
  fields: Record<string, string | number>
}

/** Turn any thrown value into its plain form. */
export function toPlainError(error: unknown): PlainError {
  if (!(error instanceof BatlError)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { code: 'BATL_ERROR', message, fields: {} }
  }
  const fields: Record<string, string | number> = {}
  for (const [key, value] of Object.entries(error)) {
    if (key !== 'code' && key !== 'name' && (typeof value === 'string' || typeof value === 'number'))
      fields[key] = value
  }
  return { code: error.code, message: error.message, fields }
}

/** Rebuild the error of the right class from its plain form. */
export function fromPlainError({ code, message, fields }: PlainError): BatlError {
  const number = (key: string): number => Number(fields[key] ?? 0)
  const text = (key: string): string => String(fields[key] ?? '')
  switch (code) {
    case 'BATL_INVALID_ARGUMENT':
      return new InvalidArgumentError(text('argument'), message)
    case 'BATL_DIMENSION_MISMATCH':
      return new DimensionMismatchError(number('expected'), number('received'))
    case 'BATL_CAPACITY':
      return new CapacityError(message, number('limit'), number('wanted'))
    case 'BATL_FORMAT':
      return new FormatError(message, number('offset'))
    case 'BATL_VERSION':
      return new VersionError(text('found'), text('supported'))
    case 'BATL_CLOSED':
      return new ClosedError(message)
    case 'BATL_UNSUPPORTED':
      return new UnsupportedError(message)
    default:
      return new BatlError(message, code as ErrorCode)
  }
}
