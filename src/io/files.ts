/** A file that is read at any place, straight into the caller's memory. */
export interface RandomFile {
  /** Bytes of the file when it was opened. */
  readonly size: number
  /**
   * Fill `into` from byte `position` on; shared memory is fine.
   * @returns bytes read: fewer than wanted only where the file ends.
   */
  read(into: Uint8Array, position: number, signal?: AbortSignal): Promise<number>
  close(): Promise<void>
}

/** A file that is read from front to end, unpacked where its name ends in .gz. */
export interface ByteStream {
  readonly path: string
  /** Bytes of the file itself. */
  readonly fileSize: number
  readonly packed: boolean
  /** Fill `into`. @returns bytes read: fewer than wanted only at the end. */
  read(into: Uint8Array): Promise<number>
  close(): Promise<void>
}

/** Reads into the caller's arrays what arrives in chunks of any length. */
export class ChunkReader {
  readonly #next: () => Promise<Uint8Array | undefined>
  #chunk = new Uint8Array(0)

  /** @param next - the next chunk, or undefined at the end. */
  constructor(next: () => Promise<Uint8Array | undefined>) {
    this.#next = next
  }

  /** Fill `into`. @returns bytes read: fewer than wanted only at the end. */
  async read(into: Uint8Array): Promise<number> {
    let done = 0
    while (done < into.length) {
      if (this.#chunk.length === 0) {
        const chunk = await this.#next()
        if (chunk === undefined) break
        this.#chunk = chunk as Uint8Array<ArrayBuffer>
        continue
      }
      const part = this.#chunk.subarray(0, into.length - done)
      into.set(part, done)
      this.#chunk = this.#chunk.subarray(part.length)
      done += part.length
    }
    return done
  }
}

/** Reads at any place of a Blob. */
export function blobFile(blob: Blob): RandomFile {
  return {
    size: blob.size,
    async read(into, position, signal) {
      signal?.throwIfAborted()
      const bytes = new Uint8Array(await blob.slice(position, position + into.length).arrayBuffer())
      into.set(bytes)
      return bytes.length
    },
    close: async () => undefined,
  }
}
