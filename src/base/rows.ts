import { DimensionMismatchError, InvalidArgumentError } from './errors.js'
import type { UrlLike } from './globals.js'
import { fromHalf, toHalf } from './half.js'
import { COMPONENT_BYTES, ROW_TYPES } from './matrix.js'
import { numberIn, oneOf, type Ids, type Rows, type RowType } from './options.js'

/** Components of one of the four row types: f32, f16 as bits, u8, i8. */
export type RowArray = Float32Array | Uint16Array | Uint8Array | Int8Array

/** Some rows: `data` is [count * dim], row-major. */
export interface RowBlock {
  readonly data: RowArray
  readonly count: number
  readonly ids?: Ids
}

/** Rows to read once, in blocks; `size` is undefined where only reading tells it. */
export interface RowSource {
  readonly type: RowType
  readonly dim: number
  readonly size: number | undefined
  blocks(rowsPerBlock: number): AsyncIterable<RowBlock>
}

/** A vector file opened for reading, as `openVectors` gives it. */
export interface VectorFile {
  readonly type: RowType
  readonly dim: number
  readonly size: number | undefined
  blocks(rowsPerBlock: number): AsyncIterable<RowArray>
}

/** Opens a vector file, as `openVectors` does. */
export type FileOpener = (path: string | UrlLike) => Promise<VectorFile>

/** How `openRows` reads what the array itself does not say. */
export interface RowHints {
  readonly dim?: number | undefined
  readonly type?: RowType | undefined
  /** Type of buffers, and of f16 bits, where `type` is absent: that of the rows that queries are asked of. */
  readonly typeOfBuffers?: RowType | undefined
  /** The argument's name in messages: `rows` or `queries`. */
  readonly argument: string
  readonly openFile: FileOpener
}

/** An empty array of a row type. */
export function rowArray(type: RowType, length: number): RowArray {
  if (type === 'f32') return new Float32Array(length)
  if (type === 'f16') return new Uint16Array(length)
  return type === 'u8' ? new Uint8Array(length) : new Int8Array(length)
}

/** The same bytes as an array of a row type; copied where they are not aligned to it. */
function viewAs(type: RowType, buffer: ArrayBufferLike, offset: number, bytes: number): RowArray {
  const size = COMPONENT_BYTES[type]
  if (bytes % size !== 0) {
    throw new InvalidArgumentError(
      'rows',
      `the buffer has ${bytes} bytes, which is no whole number of ${type} components`,
    )
  }
  if (offset % size !== 0) return viewAs(type, new Uint8Array(buffer, offset, bytes).slice().buffer, 0, bytes)
  if (type === 'f32') return new Float32Array(buffer, offset, bytes / 4)
  if (type === 'f16') return new Uint16Array(buffer, offset, bytes / 2)
  return type === 'u8' ? new Uint8Array(buffer, offset, bytes) : new Int8Array(buffer, offset, bytes)
}

function isBuffer(value: unknown): value is ArrayBufferLike {
  const tag = Object.prototype.toString.call(value)
  return tag === '[object ArrayBuffer]' || tag === '[object SharedArrayBuffer]'
}

/** A flat array or buffer as components of a row type, or undefined when `rows` is something else. */
function flatComponents(rows: unknown, hints: RowHints): { data: RowArray; type: RowType } | undefined {
  const needType = (what: string): RowType => {
    const type = hints.type ?? hints.typeOfBuffers
    if (type !== undefined) return oneOf('type', type, ROW_TYPES, 'f32')
    throw new InvalidArgumentError(
      'type',
      `${hints.argument} are ${what}, whose components could be of several types; give type: 'f32', 'f16', 'u8' or 'i8'`,
    )
  }
  if (isBuffer(rows)) {
    const type = needType('a plain buffer')
    return { type, data: viewAs(type, rows, 0, rows.byteLength) }
  }
  if (!ArrayBuffer.isView(rows)) return undefined
  const kind = Object.prototype.toString.call(rows).slice(8, -1)
  const buffered = (type: RowType): { data: RowArray; type: RowType } => ({
    type,
    data: viewAs(type, rows.buffer, rows.byteOffset, rows.byteLength),
  })
  const asked = (type: RowType): RowType => {
    if (hints.type === undefined || hints.type === type) return type
    throw new InvalidArgumentError(
      'type',
      `${hints.argument} are a ${kind}, whose components are ${type}, not '${hints.type}'; leave type out or convert them`,
    )
  }
  if (kind === 'Float64Array') return { type: asked('f32'), data: Float32Array.from(rows as Float64Array) }
  if (kind === 'Float32Array') return buffered(asked('f32'))
  if (kind === 'Float16Array') return buffered(asked('f16'))
  if (kind === 'Int8Array') return buffered(asked('i8'))
  if (kind === 'Uint8Array') {
    const isNodeBuffer = rows.constructor?.name === 'Buffer'
    return buffered(isNodeBuffer ? needType("Node's Buffer") : asked('u8'))
  }
  if (kind === 'Uint16Array') {
    const type = hints.type === undefined && hints.typeOfBuffers !== undefined ? 'f16' : needType('a Uint16Array')
    if (type === 'f16') return buffered('f16')
    throw new InvalidArgumentError(
      'type',
      `a Uint16Array holds f16 bits, not '${type}'; give type: 'f16' or another array`,
    )
  }
  throw new InvalidArgumentError(
    hints.argument,
    `${hints.argument} are a ${kind}; give a Float32Array, Float64Array, Uint8Array, Int8Array, or f16 bits in a Uint16Array`,
  )
}

function noRows(argument: string): InvalidArgumentError {
  return new InvalidArgumentError(argument, `there are no ${argument}; give at least one vector`)
}

/** `dim` as given, refused when it is no dimension. */
function checkedDim(dim: number | undefined, argument: string): number | undefined {
  if (dim === undefined) return undefined
  return numberIn(argument, dim, { min: 1, max: 65_536 }, 1)
}

function flatSource(data: RowArray, type: RowType, hints: RowHints): RowSource {
  const dim = checkedDim(hints.dim, 'dim')
  if (dim === undefined) {
    throw new InvalidArgumentError(
      'dim',
      `${hints.argument} are one flat array, which does not say where a row ends; give dim, the number of components of a row`,
    )
  }
  if (data.length === 0) throw noRows(hints.argument)
  if (data.length % dim !== 0) {
    throw new InvalidArgumentError(
      hints.argument,
      `${hints.argument} hold ${data.length} components, which is no multiple of dim = ${dim}`,
    )
  }
  const size = data.length / dim
  return {
    type,
    dim,
    size,
    async *blocks(rowsPerBlock) {
      for (let row = 0; row < size; row += rowsPerBlock) {
        const count = Math.min(rowsPerBlock, size - row)
        yield { data: data.subarray(row * dim, (row + count) * dim), count }
      }
    },
  }
}

/** Rows as an array of arrays, of type `hints.type` or f32: every one checked to be numbers and of one length. */
function nestedSource(rows: readonly ArrayLike<number>[], hints: RowHints): RowSource {
  const first = rows[0]
  if (first === undefined) throw noRows(hints.argument)
  if (typeof first !== 'object' || first === null || typeof first.length !== 'number') {
    throw new InvalidArgumentError(
      hints.argument,
      `${hints.argument}[0] is ${String(first)}; give an array of rows, or one flat typed array and dim`,
    )
  }
  const dim = checkedDim(hints.dim, 'dim') ?? first.length
  if (dim < 1) throw new InvalidArgumentError(hints.argument, `${hints.argument}[0] has no components`)
  checkedDim(dim, 'dim')
  const type = oneOf('type', hints.type, ROW_TYPES, 'f32')
  return {
    type,
    dim,
    size: rows.length,
    async *blocks(rowsPerBlock) {
      for (let start = 0; start < rows.length; start += rowsPerBlock) {
        const count = Math.min(rowsPerBlock, rows.length - start)
        const data = new Float32Array(count * dim)
        for (let i = 0; i < count; i++)
          copyNumbers(rows[start + i], data, i * dim, dim, `${hints.argument}[${start + i}]`)
        yield { data: convertRows(data, 'f32', type), count }
      }
    },
  }
}

/** Copy `dim` numbers, refusing another length and what is no number. */
export function copyNumbers(
  from: ArrayLike<number> | undefined,
  to: Float32Array,
  at: number,
  dim: number,
  what: string,
): void {
  if (from === null || typeof from !== 'object' || typeof from.length !== 'number') {
    throw new InvalidArgumentError(
      what,
      `${what} is ${from === null ? 'null' : typeof from}, but an array of ${dim} numbers is expected`,
    )
  }
  if (from.length !== dim) throw new DimensionMismatchError(dim, from.length, what)
  if (ArrayBuffer.isView(from) && typeof from[0] === 'number') {
    to.set(from, at)
    return
  }
  for (let i = 0; i < dim; i++) {
    const value: unknown = from[i]
    if (typeof value !== 'number') {
      throw new InvalidArgumentError(what, `component ${i} of ${what} is ${typeof value}, but a number is expected`)
    }
    to[at + i] = value
  }
}

function fileSource(file: VectorFile, hints: RowHints, path: string | URL): RowSource {
  const { type, dim, size } = file
  if (hints.dim !== undefined && hints.dim !== dim)
    throw new DimensionMismatchError(hints.dim, dim, `each row of ${String(path)}`)
  if (hints.type !== undefined && hints.type !== type) {
    throw new InvalidArgumentError(
      'type',
      `${String(path)} holds ${type} components, not '${hints.type}'; leave type out, or give storage to convert them`,
    )
  }
  return {
    type,
    dim,
    size,
    async *blocks(rowsPerBlock) {
      for await (const data of file.blocks(rowsPerBlock)) yield { data, count: data.length / dim }
    },
  }
}

/** What one element of a stream holds. */
function streamElement(element: unknown): { rows: Rows; ids?: Ids } {
  const isPair = typeof element === 'object' && element !== null && !ArrayBuffer.isView(element) && 'rows' in element
  return isPair ? (element as { rows: Rows; ids: Ids }) : { rows: element as Rows }
}

async function streamSource(stream: AsyncIterable<unknown>, hints: RowHints): Promise<RowSource> {
  const iterator = stream[Symbol.asyncIterator]()
  const head = await iterator.next()
  if (head.done === true) throw noRows(hints.argument)
  const first = await openRows(streamElement(head.value).rows, hints).catch(async (error: unknown) => {
    await iterator.return?.()
    throw error
  })
  const { type, dim } = first
  return {
    type,
    dim,
    size: undefined,
    async *blocks(rowsPerBlock) {
      try {
        for (let item: IteratorResult<unknown> = head; item.done !== true; item = await iterator.next()) {
          const { rows, ids } = streamElement(item.value)
          const source =
            item === head
              ? first
              : await openRows(rows, { ...hints, dim: hints.dim ?? (isFlat(rows) ? dim : undefined) })
          if (source.dim !== dim)
            throw new DimensionMismatchError(dim, source.dim, `a later block of ${hints.argument}`)
          if (source.type !== type) {
            throw new InvalidArgumentError(
              hints.argument,
              `a later block of ${hints.argument} holds ${source.type} components after ${type} ones; give one type throughout`,
            )
          }
          let done = 0
          for await (const block of source.blocks(rowsPerBlock)) {
            const part = ids?.slice(done, done + block.count) as Ids | undefined
            yield part === undefined ? block : { ...block, ids: part }
            done += block.count
          }
          if (ids !== undefined && ids.length !== done) {
            throw new InvalidArgumentError(
              'ids',
              `a block of ${done} rows came with ${ids.length} ids; give one id a row`,
            )
          }
        }
      } finally {
        await iterator.return?.()
      }
    },
  }
}

function isFlat(rows: unknown): boolean {
  return ArrayBuffer.isView(rows) || isBuffer(rows)
}

/**
 * Open rows of any accepted form for reading in blocks.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when the form, type or shape is not one that can be read.
 */
export async function openRows(rows: Rows, hints: RowHints): Promise<RowSource> {
  const given: unknown = rows
  const flat = flatComponents(given, hints)
  if (flat !== undefined) return flatSource(flat.data, flat.type, hints)
  if (Array.isArray(given)) return nestedSource(given as ArrayLike<number>[], hints)
  if (typeof given === 'string' || Object.prototype.toString.call(given) === '[object URL]') {
    return fileSource(await hints.openFile(given as string | URL), hints, given as string | URL)
  }
  if (typeof given === 'object' && given !== null && Symbol.asyncIterator in given) {
    return streamSource(given as AsyncIterable<unknown>, hints)
  }
  const kind = given === null ? 'null' : typeof given
  throw new InvalidArgumentError(
    hints.argument,
    `${hints.argument} are ${kind}, but a typed array, an array of rows, a file or an async iterable is expected`,
  )
}

/**
 * Convert components to another row type.
 * @throws {InvalidArgumentError} when an 8-bit type cannot hold a value exactly, or f16 cannot hold it at all.
 */
export function convertRows(data: RowArray, from: RowType, to: RowType): RowArray {
  if (from === to) return data
  const out = rowArray(to, data.length)
  const [low, high] = to === 'u8' ? [0, 255] : [-128, 127]
  for (let i = 0; i < data.length; i++) {
    const raw = data[i]!
    const value = from === 'f16' ? fromHalf(raw) : raw
    if (to === 'f32') out[i] = value
    else if (to === 'f16') {
      if (Math.abs(value) > 65_504) {
        throw new InvalidArgumentError(
          'storage',
          `a component is ${value}, beyond the 65,504 that f16 holds; store f32, or scale the rows`,
        )
      }
      out[i] = toHalf(value)
    } else {
      if (!Number.isInteger(value) || value < low || value > high) {
        throw new InvalidArgumentError(
          'storage',
          `a component is ${value}, but ${to} holds whole numbers from ${low} to ${high}; store f16 or f32, or quantise the rows first`,
        )
      }
      out[i] = value
    }
  }
  return out
}
