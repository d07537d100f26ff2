import { BatlError, FormatError, InvalidArgumentError, UnsupportedError } from '../base/errors.js'
import { isAddress, wrong } from '../base/kinds.js'
import { blobFile, ChunkReader, type ByteStream, type RandomFile } from './files.js'

/**
 * Files where there is no file system: addresses that are fetched, on pages and at the edge. The same functions as in
 * `node.ts`; package.json says which runtime gets which (`#io`).
 */

/** Threads of this machine. */
export function cores(): number {
  return globalThis.navigator?.hardwareConcurrency ?? 1
}

/** An address as text. @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when it is neither a string nor a URL. */
export function pathText(path: string | URL): string {
  if (isAddress(path)) return String(path)
  throw wrong('path', path, 'an address as a string or URL')
}

/** The content behind an address: a browser keeps what is large on disk. */
async function fetchBlob(address: string): Promise<Blob> {
  let response: Response
  try {
    response = await fetch(address)
  } catch (cause) {
    throw new InvalidArgumentError(
      'path',
      `cannot fetch ${address} (${(cause as Error).message}); check the address, and that the page may connect to it`,
      { cause },
    )
  }
  if (!response.ok) {
    throw new InvalidArgumentError('path', `cannot fetch ${address}: status ${response.status}; check the address`)
  }
  try {
    return await response.blob()
  } catch (cause) {
    throw new BatlError(`fetching ${address} broke off (${(cause as Error).message}); try again`, 'BATL_IO', { cause })
  }
}

/**
 * Fetch a file for reads at any place.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when it cannot be fetched.
 */
export async function openRead(path: string | URL): Promise<RandomFile> {
  return blobFile(await fetchBlob(pathText(path)))
}

/**
 * Fetch a file for reading from front to end; a name that ends in .gz is unpacked.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when it cannot be fetched.
 */
export async function openStream(path: string | URL): Promise<ByteStream> {
  const address = pathText(path)
  const blob = await fetchBlob(address)
  // Servers that know .gz have the browser unpack it on the way.
  const packed = /\.gz(?:[?#]|$)/i.test(address) && (await startsAsGzip(blob))
  const stream = packed ? blob.stream().pipeThrough(new DecompressionStream('gzip')) : blob.stream()
  const chunks = stream.getReader()
  const reader = new ChunkReader(async () => {
    try {
      const { done, value } = await chunks.read()
      return done ? undefined : value
    } catch (cause) {
      throw new FormatError(`${address} has damaged or unfinished gzip data; copy or pack it again`, 0, { cause })
    }
  })
  return {
    path: address,
    fileSize: blob.size,
    packed,
    read: (into) => reader.read(into),
    close: () => chunks.cancel(),
  }
}

async function startsAsGzip(blob: Blob): Promise<boolean> {
  const [first, second] = new Uint8Array(await blob.slice(0, 2).arrayBuffer())
  return first === 0x1f && second === 0x8b
}

/** There is no file to write. @throws {UnsupportedError} BATL_UNSUPPORTED. */
export async function writeAtomic(
  _path: string | URL,
  _chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  _signal?: AbortSignal,
): Promise<void> {
  throw new UnsupportedError(
    'this runtime has no files to save to; take the bytes with toBytes() and store or send those',
  )
}
