import { CapacityError, FormatError } from '../base/errors.js'
import type { ByteStream } from './files.js'

/** Room taken ahead of what has really arrived: what a header promises may be a lie. */
const AHEAD = 32 << 20
/** Longest array of this runtime, in bytes. */
const MOST = 2 ** 32
/** Gzip packs no more than this many bytes into one. */
const GZIP_MOST_RATIO = 1032

const NO_ROOM = new ArrayBuffer(0)

function allocate(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes)
  } catch {
    const message = `${bytes} bytes do not fit in one array (at most ${MOST} do); read the file in blocks, as build does with a path`
    throw new CapacityError(message, MOST, bytes)
  }
}

/** Bytes that arrive piece by piece, in one buffer that grows with them and never past `limit`. */
export class GrowingBuffer {
  readonly #limit: number
  #buffer: ArrayBuffer
  #length = 0

  /**
   * @param limit - bytes expected in all; Infinity where unknown.
   * @param trusted - the limit is known to be true: take all room at once.
   */
  constructor(limit: number, trusted: boolean) {
    this.#limit = limit
    this.#buffer = allocate(trusted ? limit : Math.min(limit, AHEAD))
  }

  append(bytes: Uint8Array): void {
    const wanted = this.#length + bytes.length
    if (wanted > this.#buffer.byteLength) {
      const grown = allocate(Math.max(wanted, Math.min(this.#limit, 2 * this.#buffer.byteLength)))
      new Uint8Array(grown).set(new Uint8Array(this.#buffer, 0, this.#length))
      this.#buffer = grown
    }
    new Uint8Array(this.#buffer, this.#length, bytes.length).set(bytes)
    this.#length = wanted
  }

  /** The bytes, without a copy where the limit was reached exactly. */
  finish(): ArrayBuffer {
    return this.#length === this.#buffer.byteLength ? this.#buffer : this.#buffer.slice(0, this.#length)
  }
}

/** Reads pieces of known length from a stream, and says at which byte something is wrong. Offsets are of unpacked bytes. */
export class Reader {
  readonly stream: ByteStream
  #offset = 0

  constructor(stream: ByteStream) {
    this.stream = stream
  }

  /** Unpacked bytes read so far. */
  get offset(): number {
    return this.#offset
  }

  /** Unpacked bytes of the whole file; undefined where it is packed. */
  get total(): number | undefined {
    return this.stream.packed ? undefined : this.stream.fileSize
  }

  /** An error at `offset`, by default where reading stands; the message is about the file. */
  error(message: string, offset = this.#offset): FormatError {
    return new FormatError(`${this.stream.path} ${message}`, offset)
  }

  /**
   * The next `bytes` bytes, or fewer where the file ends. Memory is taken as they arrive.
   * @param room - holds them where it suffices, in place of memory that is taken anew.
   */
  async upTo(bytes: number, room = NO_ROOM): Promise<Uint8Array<ArrayBuffer>> {
    if (bytes <= Math.max(AHEAD, room.byteLength)) {
      const piece = bytes <= room.byteLength ? new Uint8Array(room, 0, bytes) : new Uint8Array(allocate(bytes))
      const got = await this.stream.read(piece)
      this.#offset += got
      return piece.subarray(0, got)
    }
    const whole = new GrowingBuffer(bytes, false)
    for (let left = bytes; left > 0;) {
      const piece = await this.upTo(Math.min(left, AHEAD))
      if (piece.length === 0) break
      whole.append(piece)
      left -= piece.length
    }
    return new Uint8Array(whole.finish())
  }

  /** The next `bytes` bytes. @throws {FormatError} BATL_FORMAT when the file ends before, naming `what` was read. */
  async exactly(bytes: number, what: string, room = NO_ROOM): Promise<Uint8Array<ArrayBuffer>> {
    const piece = await this.upTo(bytes, room)
    if (piece.length === bytes) return piece
    throw this.error(`ends in the middle of ${what}: ${bytes} bytes wanted, ${piece.length} left; copy it again`)
  }

  /** @throws {FormatError} BATL_FORMAT when bytes are left. */
  async expectEnd(after: string): Promise<void> {
    const offset = this.#offset
    if ((await this.upTo(1)).length === 0) return
    throw this.error(`goes on after ${after}; its header or its extension does not fit the content`, offset)
  }

  /**
   * Compare what the header promises with the file, before memory is taken for it.
   * @param bytes - unpacked bytes that the whole file must have.
   * @throws {FormatError} BATL_FORMAT.
   */
  expectTotal(bytes: number, promise: string): void {
    const { packed, fileSize } = this.stream
    if (packed) {
      if (bytes <= (fileSize + 64) * GZIP_MOST_RATIO) return
      throw this.error(
        `promises ${promise}, ${bytes} bytes, more than ${fileSize} packed bytes can hold; its header is wrong`,
        0,
      )
    }
    if (bytes === fileSize) return
    const trouble = bytes > fileSize ? 'it is truncated' : 'it has extra bytes'
    const remedy = 'check that the extension fits the content, or copy it again'
    throw this.error(
      `promises ${promise}, ${bytes} bytes, but has ${fileSize}: ${trouble}; ${remedy}`,
      Math.min(bytes, fileSize),
    )
  }

  close(): Promise<void> {
    return this.stream.close()
  }
}
