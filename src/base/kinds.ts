import { InvalidArgumentError } from './errors.js'

/** What a value is, by its name: realms have constructors of their own, but one name. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

/** Whether bytes are all it says of itself. */
export function isBuffer(value: unknown): value is ArrayBufferLike {
  return /^(Shared)?ArrayBuffer$/.test(tagOf(value))
}

/** The bytes of a buffer, or of any view of one; undefined of anything else. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  return isBuffer(value) ? new Uint8Array(value) : undefined
}

/** Whether it may name a file or something to fetch. */
export function isAddress(value: unknown): value is string | URL {
  return typeof value === 'string' || tagOf(value) === 'URL'
}

/** Whether it is an array of some kind, as far as that can be told. */
export function isList(value: unknown): value is ArrayLike<unknown> {
  return typeof value === 'object' && typeof (value as ArrayLike<unknown> | null)?.length === 'number'
}

/** The error of an argument or option that is not what is wanted; `hint` ends the message. */
export function wrong(argument: string, value: unknown, wanted: string, hint = ''): InvalidArgumentError {
  const verb = argument.endsWith('s') ? 'are' : 'is'
  return new InvalidArgumentError(argument, `${argument} ${verb} ${shown(value)}, but ${wanted} is expected${hint}`)
}

/** How messages show a value that was given. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`
  if (typeof value === 'bigint') return `${value}n`
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? 'a function' : String(value)
  return Array.isArray(value) ? 'an array' : `a ${value.constructor?.name ?? 'object'}`
}
