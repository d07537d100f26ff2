import { DimensionMismatchError, InvalidArgumentError } from './errors.js'
import type { UrlLike } from './globals.js'
import { fromHalf } from './half.js'
import { bytesOf, isAddress, isBuffer, isList, shown, tagOf, wrong } from './kinds.js'
import { COMPONENT_BYTES, ROW_TYPES } from './matrix.js'
import { numberIn, oneOf, type Ids, type Rows, type RowType } from './options.js'

/** Components of one of the four row types: f32, f16 as bits, u8, i8. */
export type RowArray = Float32Array | Uint16Array | Uint8Array | Int8Array

/** Some rows: `data` is [count * dim], row-major. */
export interface RowBlock {
  readonly data: RowArray
  readonly count: number
  readonly ids?: Ids | undefined
}

/** Rows to read once, in blocks; `size` is undefined where only reading tells it. */
export interface RowSource {
  readonly type: RowType
  readonly dim: number
  readonly size: number | undefined
  /** Each block is valid until the next one is asked for. */
  blocks(rowsPerBlock: number): AsyncIterable<RowBlock>
}

/** Opens a vector file, once it is known to hold what the hints say. */
export type FileOpener = (path: string | UrlLike, hints: RowHints) => Promise<RowSource>

/** How `openRows` reads what the array itself does not say. */
export interface RowHints {
  readonly dim?: number | undefined
  readonly type?: RowType | undefined
  /** Type of buffers, and of f16 bits, where `type` is absent: that of the rows that queries are asked of. */
  readonly typeOfBuffers?: RowType | undefined
  /** The argument's name in messages: `rows` or `queries`. */
  readonly argument: string
  readonly openFile: FileOpener
  /** Makes components of `type`, where that is given, from plain numbers. */
  readonly convert?: (values: Float32Array, type: RowType) => RowArray
}

const ARRAYS = { f32: Float32Array, f16: Uint16Array, u8: Uint8Array, i8: Int8Array } as const

/** Zeros of a row type, or all of a buffer as components of it. */
export function rowArray(type: RowType, from: number | ArrayBuffer): RowArray {
  return new ARRAYS[type](from as ArrayBuffer)
}

/**
 * Components as numbers; not copied where they are.
 * @param room - where the copy goes, if no new array is to be made.
 */
export function toFloats(data: RowArray, type: RowType, room?: Float32Array): Float32Array {
  if (type === 'f32') return data as Float32Array
  const floats = room ?? new Float32Array(data.length)
  floats.set(data)
  // A loop, since a callback a value takes several times as long.
  if (type === 'f16') for (let i = 0; i < data.length; i++) floats[i] = fromHalf(data[i]!)
  return floats
}

/** The same bytes as an array of a row type; copied where they are not aligned to it. */
function viewAs(type: RowType, bytes: Uint8Array): RowArray {
  const size = COMPONENT_BYTES[type]
  const { length } = bytes
  if (length % size !== 0) {
    throw new InvalidArgumentError(
      'rows',
      `the buffer has ${length} bytes, which is no whole number of ${type} components`,
    )
  }
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : bytes.slice()
  return new ARRAYS[type](buffer as ArrayBuffer, byteOffset, length / size)
}

/** What the components of a typed array are; those of a plain buffer could be anything. */
const COMPONENTS: Readonly<Record<string, RowType>> = {
  Float64Array: 'f32',
  Float32Array: 'f32',
  Float16Array: 'f16',
  Uint16Array: 'f16',
  Uint8Array: 'u8',
  Int8Array: 'i8',
}

/** Rows as one typed array or buffer. */
function flatSource(rows: ArrayBufferView | ArrayBufferLike, hints: RowHints): RowSource {
  const { argument, type: asked, typeOfBuffers } = hints
  const kind = tagOf(rows)
  const plain = isBuffer(rows) || rows.constructor?.name === 'Buffer'
  const own = plain ? undefined : COMPONENTS[kind]
  if (!plain && own === undefined) {
    throw new InvalidArgumentError(
      argument,
      `${argument} are a ${kind}; give a Float32Array, Float64Array, Uint8Array, Int8Array, or f16 bits in a Uint16Array`,
    )
  }
  const type = asked ?? typeOfBuffers
  if (type === undefined && (plain || kind === 'Uint16Array')) {
    throw new InvalidArgumentError(
      'type',
      `${argument} are ${plain ? 'a plain buffer' : `a ${kind}`}, whose components could be of several types; give type: 'f32', 'f16', 'u8' or 'i8'`,
    )
  }
  const held = own ?? oneOf('type', type, ROW_TYPES, 'f32')
  if (asked !== undefined && asked !== held) {
    throw new InvalidArgumentError(
      'type',
      `${argument} are a ${kind}, whose components are ${held}, not '${asked}'; give type: '${held}' or convert them`,
    )
  }
  if (kind === 'Float64Array') return splitRows(Float32Array.from(rows as Float64Array), held, hints)
  return splitRows(viewAs(held, bytesOf(rows)!), held, hints)
}

function noRows(argument: string): InvalidArgumentError {
  return new InvalidArgumentError(argument, `there are no ${argument}; give at least one vector`)
}

/** Refuse what is no dimension. */
function checkedDim(dim: number): number {
  return numberIn('dim', dim, { min: 1, max: 65_536 }, 1)
}

/** A source of rows that are all there; `take` gives `count` of them. */
function sourceOf(type: RowType, dim: number, size: number, take: (row: number, count: number) => RowArray): RowSource {
  return {
    type,
    dim,
    size,
    async *blocks(rowsPerBlock) {
      for (let row = 0; row < size; row += rowsPerBlock) {
        const count = Math.min(rowsPerBlock, size - row)
        yield { data: take(row, count), count }
      }
    },
  }
}

function splitRows(data: RowArray, type: RowType, { argument, dim: given }: RowHints): RowSource {
  if (given === undefined) {
    throw new InvalidArgumentError(
      'dim',
      `${argument} are one flat array, which does not say where a row ends; give dim, the number of components of a row`,
    )
  }
  const dim = checkedDim(given)
  if (data.length === 0) throw noRows(argument)
  if (data.length % dim !== 0) {
    throw new InvalidArgumentError(
      argument,
      `${argument} hold ${data.length} components, which is no multiple of dim = ${dim}`,
    )
  }
  return sourceOf(type, dim, data.length / dim, (row, count) => data.subarray(row * dim, (row + count) * dim))
}

/** Rows as an array of arrays, of type `hints.type` or f32: every one checked to be numbers and of one length. */
function nestedSource(rows: readonly ArrayLike<number>[], hints: RowHints): RowSource {
  const { argument, convert } = hints
  const first = rows[0]
  if (first === undefined) throw noRows(argument)
  if (!isList(first)) {
    throw new InvalidArgumentError(
      argument,
      `${argument}[0] is ${shown(first)}; give an array of rows, or one flat typed array and dim`,
    )
  }
  const given = hints.dim ?? first.length
  if (given === 0) throw new InvalidArgumentError(argument, `${argument}[0] has no components`)
  const dim = checkedDim(given)
  const type = oneOf('type', hints.type, ROW_TYPES, 'f32')
  return sourceOf(type, dim, rows.length, (row, count) => {
    const data = new Float32Array(count * dim)
    for (let i = 0; i < count; i++) copyNumbers(rows[row + i], data, i * dim, dim, `${argument}[${row + i}]`)
    return convert?.(data, type) ?? data
  })
}

/** Copy `dim` numbers, refusing another length and what is no number. */
function copyNumbers(
  from: ArrayLike<number> | undefined,
  to: Float32Array,
  at: number,
  dim: number,
  what: string,
): void {
  if (!isList(from)) {
    throw wrong(what, from, `an array of ${dim} numbers`)
  }
  if (from.length !== dim) throw new DimensionMismatchError(dim, from.length, what)
  if (ArrayBuffer.isView(from) && typeof from[0] === 'number') {
    to.set(from, at)
    return
  }
  for (let i = 0; i < dim; i++) {
    const value: unknown = from[i]
    if (typeof value !== 'number') {
      throw new InvalidArgumentError(what, `component ${i} of ${what} is ${shown(value)}, but a number is expected`)
    }
    to[at + i] = value
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
          const source = item === head ? first : await openRows(rows, { ...hints, dim })
          if (source.type !== type) {
            throw new InvalidArgumentError(
              hints.argument,
              `a later block of ${hints.argument} holds ${source.type} components after ${type} ones; give one type throughout`,
            )
          }
          let done = 0
          for await (const block of source.blocks(rowsPerBlock)) {
            yield { ...block, ids: ids?.slice(done, done + block.count) as Ids | undefined }
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

/**
 * Open rows of any accepted form for reading in blocks.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when the form, type or shape is not one that can be read.
 */
export async function openRows(rows: Rows, hints: RowHints): Promise<RowSource> {
  const given: unknown = rows
  if (ArrayBuffer.isView(given) || isBuffer(given)) return flatSource(given, hints)
  if (Array.isArray(given)) return nestedSource(given as ArrayLike<number>[], hints)
  if (isAddress(given)) return hints.openFile(given, hints)
  if (typeof given === 'object' && given !== null && Symbol.asyncIterator in given) {
    return streamSource(given as AsyncIterable<unknown>, hints)
  }
  throw wrong(hints.argument, given, 'a typed array, an array of rows, a file or an async iterable')
}
