import { align64 } from '../base/align.js'
import { CapacityError, InvalidArgumentError } from '../base/errors.js'
import { convertRows } from '../base/convert.js'
import { fromHalf } from '../base/half.js'
import { isList, wrong } from '../base/kinds.js'
import { readRow, rowStride, TYPE_CODE, type StoredType } from '../base/matrix.js'
import { EXACT_ROWS, type BuildOptions, type Ids, type ResolvedOptions, type RowType } from '../base/options.js'
import { toFloats, type RowArray, type RowSource } from '../base/rows.js'
import { encodeIds, IdTable, type StoredIds } from '../format/ids.js'
import { findSection, planLayout, ROWS_OFFSET, type Layout, type LayoutShape } from '../format/layout.js'
import { Pace } from '../format/pace.js'
import { Arena } from '../kernels/memory.js'
import type { IdKind } from '../tree/snapshot.js'
import { blockRows } from '../queries.js'
import { planIndex } from './plan.js'

/** Ids checked between two looks at the clock. */
const ID_BLOCK = 1 << 13
/** Indexes without a tree share the thread's common arena up to this size; a memory of its own reserves gigabytes. */
const COMMON_BYTES = 64 << 20
/** The same for rows that were streamed: these have a memory already, and moving them takes both for a while. */
const COMMON_STREAM_BYTES = 1 << 20
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
  if (!isList(ids)) {
    throw wrong('ids', ids, 'an array of numbers, bigints or strings')
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
  if (type === 'string') return { kind: 'string', stored: await encodeIds(ids as readonly string[], pace) }
  return { kind: type === 'bigint' ? 'i64' : 'f64', stored }
}

/**
 * Refuse an index that no memory holds.
 * @param lengthOf - bytes of an index of some rows.
 */
function checkLength(plan: LayoutShape, lengthOf: (size: number) => number): void {
  const length = lengthOf(plan.size)
  if (length <= MOST_BYTES) return
  const fits = (size: number): boolean => {
    try {
      return lengthOf(size) <= MOST_BYTES
    } catch {
      // So few rows that these options make no tree of them.
      return false
    }
  }
  let most = 0
  for (let step = 2 ** Math.floor(Math.log2(plan.size)); step >= 1; step /= 2) {
    if (fits(most + step)) most += step
  }
  throw new CapacityError(
    `${plan.size} rows of ${plan.dim} components need ${Math.ceil(length / 2 ** 20)} MiB, but an index holds at most ` +
      `${MOST_BYTES / 2 ** 20} MiB; at this shape ${most} rows fit: store a smaller type, fewer copies, or split the rows`,
    most,
    plan.size,
  )
}

/** Whether an index lies in the arena that small ones without a tree share. */
function isCommon(plan: LayoutShape, length: number, most = COMMON_BYTES): boolean {
  return plan.trees === 0 && length <= most
}

function allocate(plan: LayoutShape, length: number): { arena: Arena; address: number } {
  const arena = isCommon(plan, length) ? Arena.common() : Arena.create(length)
  return { arena, address: arena.allocate(length) }
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
  const stream = source.size === undefined ? await takeStream(source, plain, options, pace) : undefined
  const size = stream?.sink.count ?? source.size!
  const ids = given.ids ?? stream?.ids
  if (size < 1) throw new InvalidArgumentError('rows', 'there are no rows; give at least one vector')
  if (ids !== undefined && ids.length !== size) {
    throw new InvalidArgumentError('ids', `there are ${ids.length} ids for ${size} rows; give one id a row`)
  }
  const { kind, stored, table } = await storeIds(ids, pace)
  const rowType = storedType({ size, dim: source.dim, type: source.type }, options)
  const plan = planIndex({ size, dim: source.dim, rowType, idKind: kind }, options)
  const layout = planLayout(plan, kind === 'string' ? (stored as { bytes: Uint8Array }).bytes.length : 0)
  checkLength(plan, (rows) => {
    const shape = { size: rows, dim: source.dim, rowType, idKind: kind }
    // Ids of the mean length of these.
    const text = kind === 'string' ? Math.ceil(((stored as { bytes: Uint8Array }).bytes.length * rows) / size) : 0
    return planLayout(planIndex(shape, options), text).length
  })
  const { arena, address } = stream === undefined ? allocate(plan, layout.length) : settle(stream, plan, layout)
  try {
    const rows = address + findSection(layout, 'rows')!.offset
    const sink = stream?.sink ?? new RowSink(arena, rows, { plain, stored: rowType, dim: source.dim })
    if (stream === undefined) await readRows(source, sink, size, pace, progress)
    const units = findSection(layout, 'units')
    if (units !== undefined) arena.f32(address + units.offset, size).set(sink.units.subarray(0, size))
    if (plan.metric === 'cosine') {
      await writeScales(arena, { rows, scales: address + findSection(layout, 'scales')!.offset }, plan, pace)
    }
    progress(size, size)
    writeIds(arena, address, layout, stored)
    return { arena, address, plan, layout, idTable: table }
  } catch (error) {
    // A memory of its own goes with the last reference to it: clearing it would only hold up the event loop.
    if (arena.isCommon) arena.free(address)
    throw error
  }
}

async function readRows(
  source: RowSource,
  sink: RowSink,
  size: number,
  pace: Pace,
  progress: (done: number, total: number) => void,
): Promise<void> {
  for await (const { data, count } of source.blocks(blockRows(source.dim))) {
    await pace.turn()
    if (sink.count + count > size)
      throw new InvalidArgumentError('rows', `there are more than the ${size} rows that were announced`)
    sink.add(convertRows(data, source.type, sink.plain), count)
    // The last block counts when all is done.
    if (sink.count < size) progress(sink.count, size)
  }
  if (sink.count !== size) {
    throw new InvalidArgumentError(
      'rows',
      `the rows ended after ${sink.count} of ${size}; the file or array changed while it was read`,
    )
  }
}

/** Rows that lie in a memory before their number is known, where a layout usually puts them. */
interface StreamedRows {
  readonly arena: Arena
  readonly address: number
  readonly sink: RowSink
  readonly ids: Ids | undefined
}

/** Rows and ids of a source whose size only reading tells: block by block to where they stay, so that none exists twice. */
async function takeStream(
  source: RowSource,
  plain: RowType,
  options: ResolvedOptions,
  pace: Pace,
): Promise<StreamedRows> {
  const { dim, type } = source
  const arena = Arena.create()
  const address = arena.allocate(ROWS_OFFSET)
  const sink = new RowSink(arena, address + ROWS_OFFSET, { plain, stored: plain, dim })
  const ids: unknown[] = []
  for await (const { data, count, ids: own } of source.blocks(blockRows(dim))) {
    await pace.turn()
    // Many rows may be kept in another type than few.
    sink.keepAs(storedType({ size: sink.count + count, dim, type }, options))
    arena.extend(address, ROWS_OFFSET + (sink.count + count) * sink.stride)
    sink.add(convertRows(data, type, plain), count)
    if (own !== undefined) for (let i = 0; i < own.length; i++) ids.push(own[i])
  }
  if (ids.length > 0 && ids.length !== sink.count) {
    throw new InvalidArgumentError(
      'ids',
      `${ids.length} of ${sink.count} rows came with ids; give ids with every block or with none`,
    )
  }
  return { arena, address, sink, ids: ids.length > 0 ? (ids as unknown as Ids) : undefined }
}

/** The region of an index around rows that were streamed; a few without a tree move to the common arena. */
function settle(rows: StreamedRows, plan: LayoutShape, layout: Layout): { arena: Arena; address: number } {
  const { arena, address, sink } = rows
  const { offset } = findSection(layout, 'rows')!
  const bytes = sink.count * sink.stride
  if (isCommon(plan, layout.length, COMMON_STREAM_BYTES)) {
    const target = allocate(plan, layout.length)
    target.arena.u8(target.address + offset, bytes).set(arena.u8(address + ROWS_OFFSET, bytes))
    return target
  }
  arena.extend(address, layout.length)
  if (offset !== ROWS_OFFSET) {
    arena.u8(address, layout.length).copyWithin(offset, ROWS_OFFSET, ROWS_OFFSET + bytes)
  }
  return { arena, address }
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

/** Copies rows to where they stay, each padded to its stride, and checks them. */
class RowSink {
  /** Type in which blocks of rows come. */
  readonly plain: RowType
  readonly #arena: Arena
  readonly #rows: number
  readonly #dim: number
  #stored: StoredType
  /** Where rows become steps. */
  #stage: Arena | undefined
  /** Of the last block as floats, for the next one. */
  #room: Float32Array = new Float32Array(0)
  count = 0
  /** `i10`: what a step of each row counts. */
  units = new Float32Array(0)

  constructor(arena: Arena, rows: number, { plain, stored, dim }: { plain: RowType; stored: StoredType; dim: number }) {
    this.plain = plain
    this.#arena = arena
    this.#rows = rows
    this.#dim = dim
    this.#stored = stored
  }

  /** Bytes from one row to the next. */
  get stride(): number {
    return rowStride(this.#stored, this.#dim)
  }

  /** Keep rows in another type from now on, those that are here already as well: `i10` in place of floats. */
  keepAs(stored: StoredType): void {
    if (stored === this.#stored) return
    const before = this.stride
    const bytes = this.#arena.u8(this.#rows, this.count * before)
    const present = this.count
    this.#stored = stored
    this.count = 0
    for (let i = 0; i < present; i++) {
      const row = readRow(bytes, i, this.plain, this.#dim)
      // A row in steps is shorter, so it never reaches one that is still to be read.
      bytes.fill(0, i * this.stride, (i + 1) * this.stride)
      this.#addSteps(row, 1)
    }
    bytes.fill(0, present * this.stride)
  }

  add(data: RowArray, count: number): void {
    if (this.#stored === 'i10') {
      if (this.plain !== 'f32' && data.length > this.#room.length) this.#room = new Float32Array(data.length)
      return this.#addSteps(toFloats(data, this.plain, this.#room.subarray(0, data.length)), count)
    }
    const { stride } = this
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    const rowBytes = bytes.length / count
    const at = this.#rows + this.count * stride
    const target = this.#arena.u8(at, count * stride)
    if (rowBytes === stride) target.set(bytes)
    else for (let i = 0; i < count; i++) target.set(bytes.subarray(i * rowBytes, (i + 1) * rowBytes), i * stride)
    if (this.#arena.kernels.allFinite(TYPE_CODE[this.#stored], at, count * stride) === 0) throw this.#notFinite(data)
    this.count += count
  }

  /** Rows as steps; their units are by row number. */
  #addSteps(values: Float32Array, count: number): void {
    const { stride } = this
    if (this.count + count > this.units.length) {
      const units = new Float32Array(Math.max(this.count + count, 2 * this.units.length))
      units.set(this.units)
      this.units = units
    }
    const stage = (this.#stage ??= Arena.create())
    const [rowBytes, stepBytes] = [align64(values.byteLength), align64(count * stride)]
    const address = stage.allocate(rowBytes + stepBytes + count * 4)
    const steps = address + rowBytes
    try {
      stage.f32(address, values.length).set(values)
      if (stage.kernels.allFinite(TYPE_CODE.f32, address, rowBytes) === 0) throw this.#notFinite(values, 'f32')
      stage.kernels.packSteps(address, this.#dim * 4, count, this.#dim, steps, stride, steps + stepBytes)
      this.#arena.u8(this.#rows + this.count * stride, count * stride).set(stage.u8(steps, count * stride))
      this.units.set(stage.f32(steps + stepBytes, count), this.count)
    } finally {
      stage.free(address)
    }
    this.count += count
  }

  #notFinite(data: ArrayBufferView, type = this.plain): InvalidArgumentError {
    const values = Array.from(data as unknown as ArrayLike<number>, (value) =>
      type === 'f16' ? fromHalf(value) : value,
    )
    const i = values.findIndex((value) => !Number.isFinite(value))
    return new InvalidArgumentError(
      'rows',
      `component ${i % this.#dim} of row ${this.count + Math.floor(i / this.#dim)} is ${values[i]}, but a finite number is expected`,
    )
  }
}

/** Reciprocal norms of all rows, which must have one. */
async function writeScales(
  arena: Arena,
  at: { rows: number; scales: number },
  { rowType, dim, size }: LayoutShape,
  pace: Pace,
): Promise<void> {
  const stride = rowStride(rowType, dim)
  const block = blockRows(dim)
  for (let first = 0; first < size; first += block) {
    await pace.turn()
    const count = Math.min(block, size - first)
    const out = at.scales + first * 4
    arena.kernels.squaredNorms(TYPE_CODE[rowType], at.rows + first * stride, stride, count, dim, out)
    const norms = arena.f32(out, count)
    for (let i = 0; i < count; i++) {
      const scale = 1 / Math.sqrt(norms[i]!)
      if (!(scale > 0 && scale < Infinity)) {
        const what = norms[i] === 0 ? 'is all zeros' : 'has a norm beyond the range of f32'
        throw new InvalidArgumentError(
          'rows',
          `row ${first + i} ${what}, so it has no direction to compare under cosine; leave it out or scale it`,
        )
      }
      norms[i] = scale
    }
  }
}
