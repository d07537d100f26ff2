import { CapacityError, InvalidArgumentError } from '../base/errors.js'
import { fromHalf } from '../base/half.js'
import { packSteps, rowStride, TYPE_CODE, type StoredType } from '../base/matrix.js'
import { EXACT_ROWS, type BuildOptions, type Ids, type ResolvedOptions, type RowType } from '../base/options.js'
import { convertRows, openRows, type RowArray, type RowBlock, type RowHints, type RowSource } from '../base/rows.js'
import { encodeIds, IdTable, type StoredIds } from '../format/ids.js'
import { findSection, planLayout, type Layout, type LayoutShape } from '../format/layout.js'
import { Pace } from '../format/pace.js'
import { openVectors } from '../io/vectors.js'
import { Arena } from '../kernels/memory.js'
import type { IdKind } from '../tree/snapshot.js'
import { planIndex } from './plan.js'

/** Components read at a time: a block is checked and copied within some milliseconds. */
const BLOCK_COMPONENTS = 1 << 19
/** Rows read at a time, however short they are: each that is not a whole number of 16 bytes is copied by itself. */
const BLOCK_ROWS = 1 << 14
/** Ids checked between two looks at the clock. */
const ID_BLOCK = 1 << 13
/** Indexes without a tree share the thread's common arena up to this size; a memory of its own reserves gigabytes. */
const COMMON_BYTES = 64 << 20
/** Addresses of 32 bits, less what build and search need beside the index. */
const MOST_BYTES = 2 ** 32 - (64 << 20)

/** Rows in place: the memory and region of an index whose rows, scales and ids are filled. */
export interface Intake {
  readonly arena: Arena
  readonly address: number
  readonly plan: LayoutShape
  readonly layout: Layout
  readonly idTable: IdTable | undefined
}

/** Ids in the form in which an index stores them. */
async function storeIds(
  ids: Ids | undefined,
  pace: Pace,
): Promise<{ kind: IdKind; stored: StoredIds | undefined; table: IdTable | undefined }> {
  if (ids === undefined) return { kind: 'row', stored: undefined, table: undefined }
  if (typeof ids !== 'object' || ids === null || typeof (ids as ArrayLike<unknown>).length !== 'number') {
    throw new InvalidArgumentError(
      'ids',
      `ids are ${ids === null ? 'null' : typeof ids}, but an array of numbers, bigints or strings is expected`,
    )
  }
  const { kind, stored } = await idArray(ids, pace)
  const table = await IdTable.build(stored, pace, (row, first) => {
    return new InvalidArgumentError(
      'ids',
      `id ${String(ids[row])} stands for row ${first} and for row ${row}; ids must be unique`,
    )
  })
  return { kind, stored, table }
}

/** All of one kind, checked; block by block, since there may be millions. */
async function idArray(ids: Ids, pace: Pace): Promise<{ kind: IdKind; stored: StoredIds }> {
  const { length } = ids
  const type = typeof ids[0]
  const stored = type === 'bigint' ? new BigInt64Array(length) : new Float64Array(type === 'number' ? length : 0)
  for (let row = 0; row < length; row++) {
    if (row % ID_BLOCK === 0) await pace.turn()
    const id: unknown = ids[row]
    if (typeof id !== type) {
      throw new InvalidArgumentError(
        'ids',
        `ids are ${type} and ${typeof id}; give one id a row, all numbers, all bigints or all strings`,
      )
    }
    if (typeof id === 'string') continue
    if (typeof id === 'bigint' && BigInt.asIntN(64, id) !== id) {
      throw new InvalidArgumentError('ids', `id ${id}n does not fit 64 bits; use strings`)
    }
    if (typeof id !== 'bigint' && !Number.isFinite(id)) {
      throw new InvalidArgumentError(
        'ids',
        `id ${String(id)} of row ${row} is no number, bigint or string that can name a row`,
      )
    }
    stored[row] = id as number & bigint
  }
  if (type === 'string') return { kind: 'string', stored: await encodeIds(ids as readonly string[]) }
  return { kind: type === 'bigint' ? 'i64' : 'f64', stored }
}

/** Rows and ids of a source whose size only reading tells, block by block, so that the size is known. */
async function collect(
  source: RowSource,
  storage: RowType,
  pace: Pace,
): Promise<{ blocks: RowBlock[]; size: number; ids: Ids | undefined }> {
  const blocks: RowBlock[] = []
  const ids: unknown[] = []
  let size = 0
  for await (const { data, count, ids: own } of source.blocks(blockRows(source.dim))) {
    await pace.turn()
    // A copy: the caller may fill the same array again for the next block.
    const converted = convertRows(data, source.type, storage)
    blocks.push({ data: converted === data ? data.slice() : converted, count })
    if (own !== undefined) for (let i = 0; i < own.length; i++) ids.push(own[i])
    size += count
  }
  if (ids.length > 0 && ids.length !== size) {
    throw new InvalidArgumentError(
      'ids',
      `${ids.length} of ${size} rows came with ids; give ids with every block or with none`,
    )
  }
  return { blocks, size, ids: ids.length > 0 ? (ids as unknown as Ids) : undefined }
}

function blockRows(dim: number): number {
  return Math.max(1, Math.min(BLOCK_ROWS, Math.floor(BLOCK_COMPONENTS / dim)))
}

/** A region for an index: in the common arena when small and without a tree, else in a memory of its own. */
function allocate(plan: LayoutShape, length: number): { arena: Arena; address: number } {
  if (length > MOST_BYTES) {
    const perRow = length / plan.size
    const most = Math.floor(MOST_BYTES / perRow)
    throw new CapacityError(
      `${plan.size} rows of ${plan.dim} components need ${Math.ceil(length / 2 ** 20)} MiB, but an index holds at most ` +
        `${MOST_BYTES / 2 ** 20} MiB; at this shape ${most} rows fit: store a smaller type, fewer copies, or split the rows`,
      most,
      plan.size,
    )
  }
  const arena = plan.trees === 0 && length <= COMMON_BYTES ? Arena.common() : Arena.create(length)
  return { arena, address: arena.allocate(length) }
}

/** Where the hints come from, for rows and for queries alike. */
export function rowHints(
  argument: string,
  options: { dim?: number | undefined; type?: RowType | undefined },
): RowHints {
  return { argument, dim: options.dim, type: options.type, openFile: openVectors }
}

/**
 * Read the rows into the memory of a new index, checked, with their ids and, under cosine, their reciprocal norms.
 * On failure the region is given back.
 */
export async function takeRows(
  source: RowSource,
  given: Pick<BuildOptions, 'ids' | 'signal'>,
  options: ResolvedOptions,
  progress: (done: number, total: number) => void,
): Promise<Intake> {
  const pace = new Pace(given.signal)
  const plain = options.storage ?? source.type
  const collected = source.size === undefined ? await collect(source, plain, pace) : undefined
  const size = collected?.size ?? source.size!
  const ids = given.ids ?? collected?.ids
  if (size < 1) throw new InvalidArgumentError('rows', 'there are no rows; give at least one vector')
  if (ids !== undefined && ids.length !== size) {
    throw new InvalidArgumentError('ids', `there are ${ids.length} ids for ${size} rows; give one id a row`)
  }
  const { kind, stored, table } = await storeIds(ids, pace)
  const rowType = storedType({ size, dim: source.dim, type: source.type }, options)
  const plan = planIndex({ size, dim: source.dim, rowType, idKind: kind }, options)
  const layout = planLayout(plan, kind === 'string' ? (stored as { bytes: Uint8Array }).bytes.length : 0)
  const { arena, address } = allocate(plan, layout.length)
  try {
    const sink = new RowSink(arena, address, plan, layout, plain)
    if (collected === undefined) {
      for await (const { data, count } of source.blocks(blockRows(source.dim))) {
        await pace.turn()
        sink.add(convertRows(data, source.type, plain), count)
        progress(sink.count, size)
      }
    } else {
      for (let block = collected.blocks.shift(); block !== undefined; block = collected.blocks.shift()) {
        await pace.turn()
        sink.add(block.data, block.count)
        progress(sink.count, size)
      }
    }
    if (sink.count !== size) {
      throw new InvalidArgumentError(
        'rows',
        `the rows ended after ${sink.count} of ${size}; the file or array changed while it was read`,
      )
    }
    writeIds(arena, address, layout, stored)
    return { arena, address, plan, layout, idTable: table }
  } catch (error) {
    // A memory of its own goes with the last reference to it: clearing it would only hold up the event loop.
    if (arena === Arena.common()) arena.free(address)
    throw error
  }
}

function writeIds(arena: Arena, address: number, layout: Layout, stored: StoredIds | undefined): void {
  if (stored === undefined) return
  const put = (name: 'ids' | 'idOffsets' | 'idBytes', values: ArrayBufferView): void => {
    const section = findSection(layout, name)!
    arena
      .u8(address + section.offset, section.length)
      .set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  }
  if (ArrayBuffer.isView(stored)) put('ids', stored)
  else {
    put('idOffsets', stored.offsets)
    put('idBytes', stored.bytes)
  }
}

/** Copies rows into the section `rows`, each padded to its stride, and checks them. */
class RowSink {
  readonly #arena: Arena
  readonly #plan: LayoutShape
  readonly #rows: number
  readonly #scales: number
  readonly #units: Float32Array
  readonly #stride: number
  readonly #plain: RowType
  count = 0

  /** @param plain - type in which blocks of rows come. */
  constructor(arena: Arena, address: number, plan: LayoutShape, layout: Layout, plain: RowType) {
    this.#arena = arena
    this.#plan = plan
    this.#rows = address + findSection(layout, 'rows')!.offset
    this.#scales = address + (findSection(layout, 'scales')?.offset ?? 0)
    this.#stride = rowStride(plan.rowType, plan.dim)
    const units = findSection(layout, 'units')
    this.#units = arena.f32(address + (units?.offset ?? 0), (units?.length ?? 0) / 4)
    this.#plain = plain
  }

  add(data: ArrayBufferView, count: number): void {
    const { rowType, dim, metric, size } = this.#plan
    if (this.count + count > size)
      throw new InvalidArgumentError('rows', `there are more than the ${size} rows that were announced`)
    const stride = this.#stride
    if (rowType === 'i10') return this.#addSteps(data, count)
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    const rowBytes = bytes.length / count
    const at = this.#rows + this.count * stride
    const target = this.#arena.u8(at, count * stride)
    if (rowBytes === stride) target.set(bytes)
    else for (let i = 0; i < count; i++) target.set(bytes.subarray(i * rowBytes, (i + 1) * rowBytes), i * stride)
    if (this.#arena.kernels.allFinite(TYPE_CODE[rowType], at, count * stride) === 0) throw this.#notFinite(data, dim)
    if (metric === 'cosine') this.#norms(at, count)
    this.count += count
  }

  /** Rows as steps; their units are by row number. */
  #addSteps(data: ArrayBufferView, count: number): void {
    const { dim } = this.#plan
    const values = convertRows(data as RowArray, this.#plain, 'f32') as Float32Array
    const at = this.#rows + this.count * this.#stride
    const target = this.#arena.u8(at, count * this.#stride)
    for (let i = 0; i < count; i++) {
      const row = values.subarray(i * dim, (i + 1) * dim)
      if (!row.every((value) => Number.isFinite(value))) throw this.#notFinite(data, dim)
      const bytes = target.subarray(i * this.#stride, (i + 1) * this.#stride)
      this.#units[this.count + i] = packSteps(row, bytes)
    }
    this.#norms(at, count)
    this.count += count
  }

  #norms(at: number, count: number): void {
    const { rowType, dim } = this.#plan
    const out = this.#scales + this.count * 4
    this.#arena.kernels.squaredNorms(TYPE_CODE[rowType], at, this.#stride, count, dim, out)
    const norms = this.#arena.f32(out, count)
    for (let i = 0; i < count; i++) {
      const scale = 1 / Math.sqrt(norms[i]!)
      if (!(scale > 0 && scale < Infinity)) {
        const what = norms[i] === 0 ? 'is all zeros' : 'has a norm beyond the range of f32'
        throw new InvalidArgumentError(
          'rows',
          `row ${this.count + i} ${what}, so it has no direction to compare under cosine; leave it out or scale it`,
        )
      }
      norms[i] = scale
    }
  }

  #notFinite(data: ArrayBufferView, dim: number): InvalidArgumentError {
    const half = this.#plain === 'f16'
    const values = Array.from(data as unknown as ArrayLike<number>, (value) => (half ? fromHalf(value) : value))
    const i = values.findIndex((value) => !Number.isFinite(value))
    return new InvalidArgumentError(
      'rows',
      `component ${i % dim} of row ${this.count + Math.floor(i / dim)} is ${values[i]}, but a finite number is expected`,
    )
  }
}

/** Queries as f32 [count * dim] in shared memory, checked. */
export async function takeQueries(source: RowSource, dim: number, pace: Pace): Promise<Float32Array> {
  const { blocks, size } = await collect(source, 'f32', pace)
  const all = new Float32Array(new SharedArrayBuffer(size * dim * 4))
  let at = 0
  for (const { data } of blocks) {
    await pace.turn()
    const bad = (data as Float32Array).findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) {
      const row = Math.floor((at + bad) / dim)
      throw new InvalidArgumentError(
        'queries',
        `component ${bad % dim} of query ${row} is ${data[bad]}, but a finite number is expected`,
      )
    }
    all.set(data, at)
    at += data.length
  }
  return all
}

/** Rows of more components than this are kept in steps under cosine, where they are floats and a tree is built. */
const STEPS_ABOVE = 256

/** The type in which rows are kept: the one asked for; else the one they come in, or steps where these save most. */
export function storedType(
  { size, dim, type }: { size: number; dim: number; type: RowType },
  { storage, metric }: ResolvedOptions,
): StoredType {
  if (storage !== undefined) return storage
  const floats = type === 'f32' || type === 'f16'
  return floats && metric === 'cosine' && dim > STEPS_ABOVE && size > EXACT_ROWS ? 'i10' : type
}

/** What plain buffers of queries hold, beside rows of a type. */
export function plainType(type: StoredType): RowType {
  return type === 'i10' ? 'f32' : type
}

/** Open queries of rows of a dimension and type: plain buffers and f16 bits need not say what they are again. */
export async function openQueries(
  queries: Parameters<typeof openRows>[0],
  of: { dim: number; type: RowType },
): Promise<RowSource> {
  return openRows(queries, { ...rowHints('queries', { dim: of.dim }), typeOfBuffers: of.type })
}
