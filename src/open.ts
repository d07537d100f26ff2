import { align64 } from './base/align.js'
import { cores, openRead } from '#io'
import { CapacityError, FormatError, InvalidArgumentError } from './base/errors.js'
import { bytesOf, isAddress, tagOf, wrong } from './base/kinds.js'
import { checkSignal, knownOptions, resolveThreads, type OpenOptions, type Phase } from './base/options.js'
import { viewSnapshot, type Arrived } from './format/decode.js'
import { IdTable } from './format/ids.js'
import { HEADER_BYTES, META, planLayout, TABLE_END, type Layout, type SectionName } from './format/layout.js'
import { Pace } from './format/pace.js'
import { checkPreamble } from './format/table.js'
import type { FiniteCheck } from './format/verify.js'
import { blobFile, type RandomFile } from './io/files.js'
import { loadKernels } from './kernels/load.js'
import { Arena, liveViews } from './kernels/memory.js'
import { TYPE_CODE } from './base/matrix.js'
import type { Snapshot } from './tree/snapshot.js'

/** Files without a tree share the thread's common arena up to this size; a memory of its own reserves gigabytes. */
const COMMON_BYTES = 64 << 20
/** Bytes read at a time, while those before are checked. */
const READ_BYTES = 2 << 20
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

/** What `share` hands to another thread. */
export interface SharedHandle {
  readonly batl: 1
  readonly memory: WebAssembly.Memory
  readonly address: number
  readonly layout: OpenIndex['layout']
  readonly snapshot: Snapshot
}

/** Check the options of `open` and `fromBytes`, and fill in the defaults. */
function openOptions(options: OpenOptions | undefined): { threads: number; signal: AbortSignal | undefined } {
  const given = knownOptions(options, ['threads', 'signal']) as OpenOptions
  checkSignal(given.signal)
  return { threads: resolveThreads(given.threads, cores()), signal: given.signal }
}

let keys = 0

/** A number for a memory, unique on this thread. */
export function nextMemoryKey(): number {
  return ++keys
}

/** Read an index into memory, check all of it, and give its region back when anything is wrong. */
async function load(source: RandomFile, threads: number, signal: AbortSignal | undefined): Promise<OpenIndex> {
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
  await loadKernels()
  const common = source.size <= COMMON_BYTES && (await isExact(source))
  const arena = common ? Arena.common() : Arena.create(source.size)
  // A plain memory that others share may grow, and lose its views, while this file is read and checked: do that outside.
  if (common && !arena.shared) return finish(arena, await readOutside(arena, source, signal), threads, signal)
  const address = arena.allocate(source.size)
  const region = arena.u8(address, source.size)
  const reading = startReading(source, region, signal)
  try {
    const finite: FiniteCheck = (type, offset, bytes) =>
      arena.kernels.allFinite(TYPE_CODE[type], address + offset, bytes) === 1
    return await finish(
      arena,
      { address, region, snapshot: await viewSnapshot(region, finite, signal, { arena, arrived: reading.arrived }) },
      threads,
      signal,
    )
  } catch (error) {
    await reading.stop()
    // A memory of its own goes with the last reference to it: clearing it would only hold up the event loop.
    if (common) arena.free(address)
    throw error
  }
}

/** A file in memory, checked. `address` is undefined where it lies outside of the arena. */
interface CheckedFile {
  readonly address?: number
  readonly region: Uint8Array
  readonly snapshot: Snapshot
}

/** A file on its way into a region, front to end. `stop` resolves when nothing is written there any more. */
interface Reading {
  readonly arrived: Arrived
  readonly stop: () => Promise<void>
}

function startReading(source: RandomFile, region: Uint8Array, signal: AbortSignal | undefined): Reading {
  let stopped = false
  const read = async (from: number): Promise<void> => {
    if (stopped) return
    signal?.throwIfAborted()
    const wanted = Math.min(READ_BYTES, region.length - from)
    const count = await source.read(region.subarray(from, from + wanted), from)
    if (count === wanted) return
    throw new FormatError(
      `the file ended at byte ${from + count} while it was read; it changed meanwhile: open it again`,
      from + count,
    )
  }
  const blocks: Promise<void>[] = []
  let last = Promise.resolve()
  for (let from = 0; from < region.length; from += READ_BYTES) {
    last = last.then(() => read(from))
    // Whoever waits for the block meets its error.
    last.catch(() => undefined)
    blocks.push(last)
  }
  return {
    arrived: async (count) => blocks[Math.ceil(count / READ_BYTES) - 1],
    stop: async () => {
      stopped = true
      await last.catch(() => undefined)
    },
  }
}

/** Read and check a small file in a buffer of its own; the kernel sees its rows piece by piece. */
async function readOutside(arena: Arena, source: RandomFile, signal: AbortSignal | undefined): Promise<CheckedFile> {
  const region = new Uint8Array(source.size)
  await startReading(source, region, signal).arrived(region.length)
  const snapshot = await viewSnapshot(
    region,
    (type, offset, bytes) => {
      const stage = arena.allocate(bytes)
      arena.u8(stage, bytes).set(region.subarray(offset, offset + bytes))
      const finite = arena.kernels.allFinite(TYPE_CODE[type], stage, bytes) === 1
      arena.free(stage)
      return finite
    },
    signal,
  )
  return { region, snapshot }
}

async function finish(
  arena: Arena,
  { address: given, region, snapshot }: CheckedFile,
  threads: number,
  signal: AbortSignal | undefined,
): Promise<OpenIndex> {
  const idTable = await tableOf(snapshot, arena.shared, signal)
  const idBytes = snapshot.idKind === 'string' ? (snapshot.ids as { bytes: Uint8Array }).bytes.length : 0
  const address = given ?? arena.allocate(region.length)
  if (given === undefined) arena.u8(address, region.length).set(region)
  return {
    arena,
    key: nextMemoryKey(),
    address,
    layout: { sections: planLayout(snapshot, idBytes).sections, length: region.length },
    snapshot:
      given === undefined ? liveViews(arena.memory, snapshot, region, address) : liveViews(arena.memory, snapshot),
    idTable,
    threads,
    phaseSeconds: undefined,
  }
}

/** Whether the file says that it has no tree: only where its memory goes depends on it. */
async function isExact(source: RandomFile): Promise<boolean> {
  const meta = new Uint8Array(16)
  await source.read(meta, align64(TABLE_END) + META.size.offset)
  return meta[META.depth.offset] === 0
}

/**
 * From id to row number; undefined where row numbers are the ids.
 * @param stay - whether views of the index's memory stay valid; else the table works on a copy of the ids.
 */
export async function tableOf({ ids }: Snapshot, stay: boolean, signal?: AbortSignal): Promise<IdTable | undefined> {
  if (ids === undefined) return undefined
  const own = stay
    ? ids
    : ArrayBuffer.isView(ids)
      ? ids.slice()
      : { offsets: ids.offsets.slice(), bytes: ids.bytes.slice() }
  return IdTable.build(
    own,
    new Pace(signal),
    (row) => new FormatError(`row ${row} repeats an id; build the index again`, 0),
  )
}

/** Open a file, an address or a Blob. */
export async function openSource(source: unknown, options: OpenOptions | undefined): Promise<OpenIndex> {
  const { threads, signal } = openOptions(options)
  if (isAddress(source)) {
    const file = await openRead(source)
    try {
      return await load(file, threads, signal)
    } finally {
      await file.close()
    }
  }
  if (/^(Blob|File)$/.test(tagOf(source))) return load(blobFile(source as Blob), threads, signal)
  throw wrong('source', source, 'a path, a URL or a Blob', '; for bytes use fromBytes')
}

/** Open a copy of bytes. */
export async function openCopy(bytes: unknown, options: OpenOptions | undefined): Promise<OpenIndex> {
  const { threads, signal } = openOptions(options)
  const all = bytesOf(bytes)
  if (all === undefined) throw wrong('bytes', bytes, 'a Uint8Array or ArrayBuffer')
  const read = async (into: Uint8Array, position: number): Promise<number> => {
    const part = all.subarray(position, position + into.length)
    into.set(part)
    return part.length
  }
  return load({ size: all.length, read, close: async () => undefined }, threads, signal)
}

/** Open what `share` of another thread handed over. */
export async function openShared(handle: unknown): Promise<OpenIndex> {
  const shared = handle as Partial<SharedHandle> | null | undefined
  if (typeof shared !== 'object' || shared === null || shared.batl !== 1 || shared.snapshot === undefined) {
    throw new InvalidArgumentError(
      'handle',
      'handle is not what share returned; post the value of index.share() to this thread',
    )
  }
  const { memory, address, layout, snapshot } = shared as SharedHandle
  await loadKernels()
  const arena = Arena.attach(memory)
  const idTable = await tableOf(snapshot, arena.shared)
  return { arena, key: nextMemoryKey(), address, layout, snapshot, idTable, threads: 1, phaseSeconds: undefined }
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
  leaves: 'codes',
}

/** Bytes of each group of sections, as `stats` and `estimate` report them. */
export function sectionBytes(layout: Layout): Record<'router' | 'codes' | 'rows' | 'ids' | 'other', number> {
  const bytes = { router: 0, codes: 0, rows: 0, ids: 0, other: layout.length }
  for (const { name, length } of layout.sections) {
    bytes[GROUPS[name] ?? 'other'] += length
    bytes.other -= length
  }
  return bytes
}
