import { CapacityError, InvalidArgumentError } from '../base/errors.js'
import type { Snapshot } from '../tree/snapshot.js'
import type { Pace } from './pace.js'

/** Ids by row number, as a snapshot holds them. */
export type StoredIds = NonNullable<Snapshot['ids']>
/** UTF-8 of all ids one after the other; id n is bytes [offsets[n], offsets[n + 1]). */
export type StringIds = Extract<StoredIds, { bytes: Uint8Array }>

const MOST_BYTES = 2 ** 32 - 1
/** Rows handled between two looks at the clock. */
const BLOCK = 4096
/** Characters of ids that are encoded together, more than one. */
const TEXT = 1 << 16
/** Ids are not secret, but a file made to collide should not make opening slow: each process hashes in its own way. */
const HASH_SEED = Math.floor(Math.random() * 2 ** 32) | 0

/** UTF-8 as it stands: a leading byte order mark belongs to the id. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function checkId(id: unknown, row: number): asserts id is string {
  if (typeof id !== 'string') {
    throw new InvalidArgumentError(
      'ids',
      `ids[${row}] is of type ${typeof id}, but the ids before are strings; give strings only`,
    )
  }
  if (/\p{Surrogate}/u.test(id)) {
    throw new InvalidArgumentError(
      'ids',
      `ids[${row}] holds half a surrogate pair, which UTF-8 cannot; replace it (see toWellFormed)`,
    )
  }
}

/** Bytes of a well-formed string in UTF-8: two for each half of a surrogate pair. */
function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) bytes += code > 0x7ff && (code & 0xf800) !== 0xd800 ? 2 : 1
  }
  return bytes
}

/**
 * Store string ids, with turns of the event loop in between. Many are encoded at once: a view for each, of which there would
 * be as many as rows, keeps a garbage collector busy for tens of milliseconds.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when an id is no string or not well-formed Unicode.
 * @throws {CapacityError} BATL_CAPACITY when all together exceed 2^32 - 1 bytes.
 */
export async function encodeIds(ids: readonly string[], pace: Pace): Promise<StringIds> {
  const encoder = new TextEncoder()
  const offsets = new Uint32Array(ids.length + 1)
  let bytes = new Uint8Array(Math.max(64, ids.length * 8))
  let row = 0
  let end = 0
  while (row < ids.length) {
    await pace.turn()
    const [first, start] = [row, end]
    let text = ''
    do {
      const id = ids[row]
      checkId(id, row)
      end += utf8Bytes(id)
      if (end > MOST_BYTES) {
        throw new CapacityError(
          `the ids take more than ${MOST_BYTES} bytes; give shorter ids or numbers`,
          MOST_BYTES,
          end,
        )
      }
      text += id
      offsets[++row] = end
    } while (row < ids.length && row - first < BLOCK && text.length + (ids[row]?.length ?? 0) <= TEXT)
    if (end > bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * bytes.length))
      grown.set(bytes.subarray(0, start))
      bytes = grown
    }
    encoder.encodeInto(text, bytes.subarray(start))
  }
  return { offsets, bytes: bytes.subarray(0, end) }
}

/** The string ids of some rows, in their order. `rows` are row numbers of the index. */
export function decodeIds({ offsets, bytes }: StringIds, rows: ArrayLike<number>): string[] {
  return Array.from(rows, (row) => decoder.decode(bytes.slice(offsets[row], offsets[row + 1])))
}

/** Keys that an `IdTable` compares, whichever kind they are. */
interface Keys {
  readonly count: number
  hash(row: number): number
  equal(row: number, other: Keys, otherRow: number): boolean
}

function mix(value: number): number {
  let h = value ^ (value >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Keys of 64 bits: f64 or i64, compared word by word; the two zeros of f64 are one key. */
class WordKeys implements Keys {
  readonly count: number
  readonly #words: Uint32Array
  readonly #negativeZero: number
  constructor(ids: Float64Array | BigInt64Array) {
    this.count = ids.length
    this.#words = new Uint32Array(ids.buffer, ids.byteOffset, 2 * ids.length)
    this.#negativeZero = ids[Symbol.toStringTag] === 'Float64Array' ? 0x80000000 : 0
  }
  low(row: number): number {
    return this.#words[2 * row]!
  }
  high(row: number): number {
    const high = this.#words[2 * row + 1]!
    return high === this.#negativeZero && this.low(row) === 0 ? 0 : high
  }
  hash(row: number): number {
    return mix(this.low(row) ^ mix(this.high(row) ^ HASH_SEED))
  }
  equal(row: number, other: WordKeys, otherRow: number): boolean {
    return this.low(row) === other.low(otherRow) && this.high(row) === other.high(otherRow)
  }
}

class StringKeys implements Keys {
  readonly count: number
  readonly #ids: StringIds
  constructor(ids: StringIds) {
    this.count = ids.offsets.length - 1
    this.#ids = ids
  }
  hash(row: number): number {
    const { offsets, bytes } = this.#ids
    const end = offsets[row + 1]!
    let h = HASH_SEED
    for (let i = offsets[row]!; i < end; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193)
    return mix(h)
  }
  equal(row: number, other: StringKeys, otherRow: number): boolean {
    const { offsets, bytes } = this.#ids
    const start = offsets[row]!
    const length = offsets[row + 1]! - start
    const otherStart = other.#ids.offsets[otherRow]!
    if (other.#ids.offsets[otherRow + 1]! - otherStart !== length) return false
    for (let i = 0; i < length; i++) {
      if (bytes[start + i] !== other.#ids.bytes[otherStart + i]) return false
    }
    return true
  }
}

function keysOf(ids: StoredIds): Keys {
  return ArrayBuffer.isView(ids) ? new WordKeys(ids) : new StringKeys(ids)
}

/** From id to row number: a hash table of 4-byte slots, at most two thirds full, beside the stored ids themselves. */
export class IdTable {
  readonly #ids: StoredIds
  readonly #keys: Keys
  /** Row number + 1, or 0 where free. */
  readonly #slots: Uint32Array
  private constructor(ids: StoredIds) {
    this.#ids = ids
    this.#keys = keysOf(ids)
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(1.5 * this.#keys.count + 1)))
  }

  /**
   * Enter all ids, with turns of the event loop in between.
   * @param refuse - makes the error for an id that row `row` shares with row `first`.
   */
  static async build(ids: StoredIds, pace: Pace, refuse: (row: number, first: number) => Error): Promise<IdTable> {
    const table = new IdTable(ids)
    const { count } = table.#keys
    for (let row = 0; row < count; row++) {
      if (row % BLOCK === 0) await pace.turn()
      const slot = table.#probe(table.#keys, row)
      const held = table.#slots[slot]!
      if (held !== 0) throw refuse(row, held - 1)
      table.#slots[slot] = row + 1
    }
    return table
  }

  /** The row number of an id, or -1. An id of another kind than the index's is in no row. */
  find(id: number | bigint | string): number {
    const key = this.#single(id)
    return key === undefined ? -1 : this.#slots[this.#probe(keysOf(key), 0)]! - 1
  }

  /** One id, stored as the index stores its ids. */
  #single(id: number | bigint | string): StoredIds | undefined {
    if (!ArrayBuffer.isView(this.#ids)) {
      if (typeof id !== 'string' || /\p{Surrogate}/u.test(id)) return undefined
      const bytes = new TextEncoder().encode(id)
      return { offsets: Uint32Array.of(0, bytes.length), bytes }
    }
    if (this.#ids[Symbol.toStringTag] === 'Float64Array')
      return typeof id === 'number' ? Float64Array.of(id) : undefined
    return typeof id === 'bigint' && BigInt.asIntN(64, id) === id ? BigInt64Array.of(id) : undefined
  }

  /** The slot that holds the key, or the free one where it would go. */
  #probe(keys: Keys, row: number): number {
    const mask = this.#slots.length - 1
    let slot = (keys.hash(row) & mask) >>> 0
    for (;;) {
      const held = this.#slots[slot]!
      if (held === 0 || this.#keys.equal(held - 1, keys, row)) return slot
      slot = (slot + 1) & mask
    }
  }
}
