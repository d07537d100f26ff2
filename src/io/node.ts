import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createGunzip, type Gunzip } from 'node:zlib'
import { BatlError, FormatError, InvalidArgumentError } from '../base/errors.js'
import { isAddress, wrong } from '../base/kinds.js'
import { ChunkReader, type ByteStream, type RandomFile } from './files.js'

/** Bytes of one read or write: one call of the system never takes more than 2 GiB, and aborts are seen in between. */
const BLOCK = 8 << 20

/** Threads of this machine. */
export function cores(): number {
  return availableParallelism()
}

/** The path of a file as text. @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when it is neither that nor a file: URL. */
export function pathText(path: string | URL): string {
  if (!isAddress(path)) throw wrong('path', path, 'the path of a file or a file: URL')
  if (typeof path === 'string') return path
  if (path.protocol === 'file:') return fileURLToPath(path)
  throw new InvalidArgumentError('path', `${path.href} is no file: URL; fetch it first, or give the path of a file`)
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code)
}

/** What the operating system reports; what the caller's own chunks throw is passed on as it is. */
function isSystemError(error: unknown): boolean {
  return typeof (error as { errno?: unknown } | null)?.errno === 'number'
}

const READ_REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; check the name',
  ENOTDIR: 'a part of the path is no folder; check the name',
  EACCES: 'reading it is not permitted; change its permissions',
  EPERM: 'reading it is not permitted; change its permissions',
  ENAMETOOLONG: 'the name is too long',
}

const WRITE_REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist; make it first',
  ENOTDIR: 'a part of the path is no folder; check the name',
  EACCES: 'writing to its folder is not permitted; change the permissions or choose another folder',
  EPERM: 'writing to its folder is not permitted; change the permissions or choose another folder',
  EROFS: 'its file system is read-only; choose another folder',
  EISDIR: 'it is a folder; add a file name',
  ENAMETOOLONG: 'the name is too long; choose a shorter one',
}

const REFUSED_REMEDY = 'its folder takes no new files; choose another folder'

function fileError(doing: string, path: string, error: unknown, remedies: Readonly<Record<string, string>>): BatlError {
  if (error instanceof BatlError) return error
  const code = codeOf(error)
  const remedy = remedies[code]
  if (remedy !== undefined)
    return new InvalidArgumentError('path', `cannot ${doing} ${path}: ${remedy}`, { cause: error })
  const told = code === 'ENOSPC' ? 'the disk is full; free some space' : (error as Error).message
  return new BatlError(`cannot ${doing} ${path}: ${told}`, 'BATL_IO', { cause: error })
}

async function openHandle(path: string): Promise<{ handle: FileHandle; size: number }> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'r')
    const stats = await handle.stat()
    if (!stats.isFile())
      throw new InvalidArgumentError('path', `cannot read ${path}: it is no regular file; give the path of a file`)
    return { handle, size: stats.size }
  } catch (error) {
    await handle?.close()
    throw fileError('read', path, error, READ_REMEDIES)
  }
}

async function readFully(
  handle: FileHandle,
  path: string,
  into: Uint8Array,
  position: number,
  signal?: AbortSignal,
): Promise<number> {
  let done = 0
  while (done < into.length) {
    signal?.throwIfAborted()
    const wanted = Math.min(BLOCK, into.length - done)
    const { bytesRead } = await handle.read(into, done, wanted, position + done).catch((error: unknown) => {
      throw fileError('read', path, error, READ_REMEDIES)
    })
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}

/**
 * Open a file for reads at any place.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when it is missing, unreadable or no regular file.
 */
export async function openRead(path: string | URL): Promise<RandomFile> {
  const text = pathText(path)
  const { handle, size } = await openHandle(text)
  return {
    size,
    read: (into, position, signal) => readFully(handle, text, into, position, signal),
    close: () => handle.close(),
  }
}

/** Bytes of a gzip file, unpacked; errors of the packing say how far into the file it was sound. */
function unpack(path: string, handle: FileHandle): Pick<ByteStream, 'read' | 'close'> {
  const source = createReadStream('', { fd: handle, highWaterMark: 1 << 20, autoClose: false })
  const gunzip: Gunzip = createGunzip({ chunkSize: 1 << 18 })
  source.on('error', (error) => gunzip.destroy(error))
  source.pipe(gunzip)
  const chunks = gunzip.iterator({ destroyOnReturn: true }) as AsyncIterator<Uint8Array>
  const reader = new ChunkReader(async () => {
    const result = await chunks.next().catch((error: unknown) => {
      if (!/^Z_/.test(codeOf(error))) throw fileError('read', path, error, READ_REMEDIES)
      const trouble = codeOf(error) === 'Z_BUF_ERROR' ? 'ends in the middle of its gzip data' : 'has damaged gzip data'
      throw new FormatError(`${path} ${trouble}; copy or pack it again`, gunzip.bytesWritten, { cause: error })
    })
    return result.done === true ? undefined : (result.value as Uint8Array)
  })
  return {
    read: (into) => reader.read(into),
    async close() {
      source.destroy()
      gunzip.destroy()
      await handle.close()
    },
  }
}

/**
 * Open a file for reading from front to end; a name that ends in .gz is unpacked.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when it is missing, unreadable or no regular file.
 */
export async function openStream(path: string | URL): Promise<ByteStream> {
  const text = pathText(path)
  const { handle, size } = await openHandle(text)
  const about = { path: text, fileSize: size }
  if (/\.gz$/i.test(text)) return { ...about, packed: true, ...unpack(text, handle) }
  let position = 0
  return {
    ...about,
    packed: false,
    async read(into) {
      const done = await readFully(handle, text, into, position)
      position += done
      return done
    },
    close: () => handle.close(),
  }
}

async function writeFully(handle: FileHandle, chunk: Uint8Array, signal?: AbortSignal): Promise<void> {
  let done = 0
  while (done < chunk.length) {
    signal?.throwIfAborted()
    const { bytesWritten } = await handle.write(chunk, done, Math.min(BLOCK, chunk.length - done))
    done += bytesWritten
  }
}

/** A rename is only on disk once its folder is. Some systems cannot sync a folder; there the rename has to do. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}

/** Where a name leads: a link is followed, so that the file behind it is replaced and not the link. */
async function targetOf(path: string): Promise<{ target: string; mode?: number }> {
  const target = await realpath(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (target === undefined) return { target: path }
  const stats = await stat(target)
  if (stats.isDirectory()) throw new InvalidArgumentError('path', `cannot write ${path}: ${WRITE_REMEDIES.EISDIR}`)
  if (!stats.isFile())
    throw new InvalidArgumentError('path', `cannot write ${path}: it is no regular file; choose another name`)
  return { target, mode: stats.mode & 0o777 }
}

/**
 * Write a file so that a kill or a power cut at any moment leaves the old file or the new one: into a temporary file beside
 * it, synced, then renamed. On an error or abort the temporary file is removed and the old one is as it was.
 * @param chunks - the bytes in order; views of shared memory are fine.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when the path cannot be written; BATL_IO when the disk is full or fails.
 * @throws the signal's reason once it has aborted.
 */
export async function writeAtomic(
  path: string | URL,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted()
  const text = pathText(path)
  let temporary: string | undefined
  let handle: FileHandle | undefined
  try {
    const { target, mode } = await targetOf(text)
    const folder = dirname(target)
    const name = join(folder, `${basename(target)}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`)
    handle = await open(name, 'wx', mode)
    temporary = name
    for await (const chunk of chunks) await writeFully(handle, chunk, signal)
    await handle.sync()
    await handle.close()
    handle = undefined
    signal?.throwIfAborted()
    await rename(temporary, target)
    temporary = undefined
    await syncFolder(folder)
  } catch (error) {
    await handle?.close().catch(() => undefined)
    if (temporary !== undefined) await rm(temporary, { force: true })
    if (signal?.aborted === true && error === signal.reason) throw error
    if (!isSystemError(error)) throw error
    // Some file systems, such as /proc, say that the name is not there where they take no new files.
    const refused = codeOf(error) === 'ENOENT' && (await isFolder(dirname(text)))
    throw fileError('write', text, error, refused ? { ENOENT: REFUSED_REMEDY } : WRITE_REMEDIES)
  }
}
