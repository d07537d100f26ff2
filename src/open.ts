import { availableParallelism } from 'node:os'
import { CapacityError, FormatError, InvalidArgumentError } from './base/errors.js'
import { checkSignal, knownOptions, resolveThreads, type Phase } from './base/options.js'
import { viewSnapshot } from './format/decode.js'
import { IdTable } from './format/ids.js'
import { align64, HEADER_BYTES, META, planLayout, TABLE_END, type Layout, type SectionName } from './format/layout.js'
import { Pace } from './format/pace.js'
import { checkPreamble } from './format/table.js'
import { openRead } from './io/node.js'
import { Arena } from './kernels/memory.js'
import { TYPE_CODE } from './base/matrix.js'
import type { Snapshot } from './tree/snapshot.js'

/** Files without a tree share the thread's common arena up to this size; a memory of its own reserves gigabytes. */
const COMMON_BYTES = 64 << 20
/** Bytes read at a time. */
const READ_BYTES = 8 << 20
/** Addresses of 32 bits, less what searching needs beside the index. */
const MOST_BYTES = 2 ** 32 - (64 << 20)

/** An index in memory: its region, the views of it, and what is known beside. */
export interface OpenIndex {
  readonly arena: Arena
  /** Names the memory for worker threads. */
  readonly key: number
  readonly address: number
  readonly layout: Layout
  readonly snapshot: Snapshot
  /** From id to row number; undefined where row numbers are the ids. */
  readonly idTable: IdTable | undefined
  /** Threads for batches when a call does not say. */
  readonly threads: number
  readonly phaseSeconds: Partial<Record<Phase, number>> | undefined
}

/** Options of `open` and `fromBytes`. */
export interface OpenOptions {
  /** Threads for `searchBatch` when a call does not say; 0 (default): one a core. */
  threads?: number
  signal?: AbortSignal
}

/** Check the options of `open` and `fromBytes`, and fill in the defaults. */
export function openOptions(options: OpenOptions | undefined): { threads: number; signal: AbortSignal | undefined } {
  const given = knownOptions(options, ['threads', 'signal']) as OpenOptions
  checkSignal(given.signal)
  return { threads: resolveThreads(given.threads, cores()), signal: given.signal }
}

let keys = 0

/** A number for a memory, unique on this thread. */
export function nextMemoryKey(): number {
  return ++keys
}

/** Threads of this machine. */
export function cores(): number {
  return availableParallelism()
}

/** Bytes to open, wherever they are. */
interface ByteSource {
  readonly size: number
  read(into: Uint8Array, position: number): Promise<number>
}

/** Read an index into memory, check all of it, and give its region back when anything is wrong. */
async function load(source: ByteSource, threads: number, signal: AbortSignal | undefined): Promise<OpenIndex> {
  signal?.throwIfAborted()
  const head = new Uint8Array(HEADER_BYTES)
  const got = await source.read(head, 0)
  checkPreamble(head.subarray(0, got), source.size)
  if (source.size > MOST_BYTES) {
    throw new CapacityError(
      `the index has ${source.size} bytes, but at most ${MOST_BYTES} can be opened; split the rows`,
      MOST_BYTES,
      source.size,
    )
  }
  const arena = source.size <= COMMON_BYTES && (await isExact(source)) ? Arena.common() : Arena.create(source.size)
  const address = arena.allocate(source.size)
  try {
    const region = arena.u8(address, source.size)
    for (let done = 0; done < source.size; done += READ_BYTES) {
      signal?.throwIfAborted()
      const wanted = Math.min(READ_BYTES, source.size - done)
      const read = await source.read(region.subarray(done, done + wanted), done)
      if (read < wanted) {
        throw new FormatError(
          `the file ended at byte ${done + read} while it was read; it changed meanwhile: open it again`,
          done + read,
        )
      }
    }
    const finite = (type: keyof typeof TYPE_CODE, offset: number, bytes: number): boolean =>
      arena.kernels.allFinite(TYPE_CODE[type], address + offset, bytes) === 1
    const snapshot = await viewSnapshot(region, finite, signal)
    const idTable = await tableOf(snapshot, signal)
    const idBytes = snapshot.idKind === 'string' ? (snapshot.ids as { bytes: Uint8Array }).bytes.length : 0
    return {
      arena,
      key: nextMemoryKey(),
      address,
      layout: { sections: planLayout(snapshot, idBytes).sections, length: source.size },
      snapshot,
      idTable,
      threads,
      phaseSeconds: undefined,
    }
  } catch (error) {
    // A memory of its own goes with the last reference to it: clearing it would only hold up the event loop.
    if (arena === Arena.common()) arena.free(address)
    throw error
  }
}

/** Whether the file says that it has no tree: only where its memory goes depends on it. */
async function isExact(source: ByteSource): Promise<boolean> {
  const meta = new Uint8Array(16)
  await source.read(meta, align64(TABLE_END) + META.size.offset)
  return meta[META.depth.offset] === 0
}

/** From id to row number; undefined where row numbers are the ids. */
export async function tableOf({ ids }: Snapshot, signal?: AbortSignal): Promise<IdTable | undefined> {
  if (ids === undefined) return undefined
  return IdTable.build(
    ids,
    new Pace(signal),
    (row) => new FormatError(`row ${row} repeats an id; build the index again`, 0),
  )
}

/** Open a file or a Blob. */
export async function openIndex(source: unknown, threads: number, signal: AbortSignal | undefined): Promise<OpenIndex> {
  const kind = Object.prototype.toString.call(source)
  if (typeof source === 'string' || kind === '[object URL]') {
    const file = await openRead(source as string | URL)
    try {
      return await load(file, threads, signal)
    } finally {
      await file.close()
    }
  }
  if (kind === '[object Blob]' || kind === '[object File]') {
    const blob = source as Blob
    const read = async (into: Uint8Array, position: number): Promise<number> => {
      const bytes = new Uint8Array(await blob.slice(position, position + into.length).arrayBuffer())
      into.set(bytes)
      return bytes.length
    }
    return load({ size: blob.size, read }, threads, signal)
  }
  throw new InvalidArgumentError(
    'source',
    `source is ${source === null ? 'null' : typeof source}, but a path, a file: URL or a Blob is expected; for bytes use fromBytes`,
  )
}

/** Open a copy of bytes. */
export async function openBytes(bytes: unknown, threads: number, signal: AbortSignal | undefined): Promise<OpenIndex> {
  const isView = ArrayBuffer.isView(bytes)
  if (!isView && !/\[object (Shared)?ArrayBuffer\]/.test(Object.prototype.toString.call(bytes))) {
    throw new InvalidArgumentError(
      'bytes',
      `bytes are ${bytes === null ? 'null' : typeof bytes}, but a Uint8Array or ArrayBuffer is expected`,
    )
  }
  const all = isView
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes as ArrayBuffer)
  const read = async (into: Uint8Array, position: number): Promise<number> => {
    const part = all.subarray(position, position + into.length)
    into.set(part)
    return part.length
  }
  return load({ size: all.length, read }, threads, signal)
}

/** Sections by what `stats` and `estimate` call them; the others are `other`. */
const GROUPS: Partial<Record<SectionName, 'router' | 'codes' | 'rows' | 'ids'>> = {
  router: 'router',
  rows: 'rows',
  ids: 'ids',
  idOffsets: 'ids',
  idBytes: 'ids',
  rotation: 'codes',
  codebooks: 'codes',
  centroids: 'codes',
  centroidScales: 'codes',
  centroidBiases: 'codes',
  codes: 'codes',
  terms: 'codes',
}

/** Bytes of each group of sections, as `stats` and `estimate` report them. */
export function sectionBytes(layout: Layout): Record<'router' | 'codes' | 'rows' | 'ids' | 'other', number> {
  const bytes = { router: 0, codes: 0, rows: 0, ids: 0, other: 0 }
  let named = 0
  for (const { name, length } of layout.sections) {
    const group = GROUPS[name]
    if (group === undefined) continue
    bytes[group] += length
    named += length
  }
  bytes.other = layout.length - named
  return bytes
}
