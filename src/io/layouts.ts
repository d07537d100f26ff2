import { InvalidArgumentError } from '../base/errors.js'
import { nearestName, type RowType } from '../base/options.js'
import type { Reader } from './reader.js'

/** Components as they stand in a file. */
export type StoredType = RowType | 'i32' | 'f64'

export const STORED_BYTES: Readonly<Record<StoredType, number>> = { f32: 4, f16: 2, u8: 1, i8: 1, i32: 4, f64: 8 }

/** Where the rows of a vector file lie. */
export interface VectorLayout {
  readonly stored: StoredType
  readonly dim: number
  /** Rows; undefined for a packed file whose format does not state it. */
  readonly size: number | undefined
  /** Bytes before the first row. */
  readonly headerBytes: number
  /** Bytes before each row: 4 where a row states its own length. */
  readonly prefixBytes: 0 | 4
}

const BIN: Readonly<Record<string, StoredType>> = { fbin: 'f32', u8bin: 'u8', i8bin: 'i8', f16bin: 'f16', ibin: 'i32' }
const VECS: Readonly<Record<string, StoredType>> = { fvecs: 'f32', bvecs: 'u8', ivecs: 'i32' }
const NPY_TYPES: Readonly<Record<string, StoredType>> = { f4: 'f32', f8: 'f64', f2: 'f16', u1: 'u8', i1: 'i8' }
const KNOWN = [...Object.keys(BIN), ...Object.keys(VECS), 'npy']
/** A byte above 127, then `NUMPY`. */
const NPY_MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
/** No header of a .npy file with plain numbers is longer. */
const NPY_MOST_HEADER = 1 << 16
const MAX_DIM = 65_536

/**
 * The extension of a vector file, without dot and `.gz`.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT that lists the known ones, the nearest first.
 */
export function extensionOf(path: string): string {
  const extension = /\.([^./\\]+?)(\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? ''
  if (KNOWN.includes(extension)) return extension
  const near = nearestName(extension, KNOWN)
  const hint = near === undefined ? '' : `did you mean .${near}? `
  const known = KNOWN.map((name) => `.${name}`).join(', ')
  throw new InvalidArgumentError(
    'path',
    `${path} is no known kind of vector file; ${hint}known are ${known}, each also .gz`,
  )
}

function checkDim(reader: Reader, dim: number, offset: number): void {
  if (dim >= 1 && dim <= MAX_DIM) return
  throw reader.error(
    `states ${dim} components a vector, but must have 1 to ${MAX_DIM}; check that the extension fits the content`,
    offset,
  )
}

function checkSize(reader: Reader, size: number, offset: number): void {
  if (size === 0) throw reader.error('holds no vectors; give a file with at least one', offset)
}

/** big-ann-benchmarks: `u32 size, u32 dim`, then the rows. */
async function readBinLayout(reader: Reader, stored: StoredType): Promise<VectorLayout> {
  const head = await reader.exactly(8, 'its header')
  const view = new DataView(head.buffer)
  const size = view.getUint32(0, true)
  const dim = view.getUint32(4, true)
  checkSize(reader, size, 0)
  checkDim(reader, dim, 4)
  const bytes = size * dim * STORED_BYTES[stored]
  if (stored === 'i32' && reader.total === 8 + 2 * bytes) {
    throw reader.error('is a ground truth (ids, then distances), not vectors; give the file of the vectors', 8 + bytes)
  }
  reader.expectTotal(8 + bytes, `${size} vectors of ${dim} components`)
  return { stored, dim, size, headerBytes: 8, prefixBytes: 0 }
}

/** TEXMEX: each row is `i32 dim`, then its components. */
async function readVecsLayout(reader: Reader, stored: StoredType): Promise<VectorLayout> {
  if (reader.total === 0) throw reader.error('holds no vectors; give a file with at least one')
  const head = await reader.exactly(4, 'its first row')
  const dim = new DataView(head.buffer).getInt32(0, true)
  checkDim(reader, dim, 0)
  const rowBytes = 4 + dim * STORED_BYTES[stored]
  const { total } = reader
  const layout = { stored, dim, headerBytes: 0, prefixBytes: 4 } as const
  if (total === undefined) return { ...layout, size: undefined }
  const size = Math.floor(total / rowBytes)
  if (total % rowBytes !== 0) {
    const message = `has ${total} bytes, which is no whole number of rows of ${rowBytes}: it is truncated or ragged; copy it again`
    throw reader.error(message, size * rowBytes)
  }
  return { ...layout, size }
}

function parseNpyType(reader: Reader, header: string): StoredType {
  const [, order, name] = /'descr'\s*:\s*'([<>|=])(\w+)'/.exec(header) ?? []
  const stored = NPY_TYPES[name ?? '']
  if (stored === undefined) {
    const given = name === undefined ? 'structured or unreadable' : name
    throw reader.error(`holds components of type ${given}; save it with astype(numpy.float32), or f2, f8, u1 or i1`, 10)
  }
  if (order === '>') throw reader.error(`holds big-endian numbers; save it with astype('<${name}')`, 10)
  return stored
}

/** NumPy format versions 1 to 3: magic, version, length of the header, a Python dictionary, then the array. */
async function readNpyLayout(reader: Reader): Promise<VectorLayout> {
  const start = await reader.exactly(10, 'its header')
  const view = new DataView(start.buffer)
  const [major = 0] = start.subarray(6)
  const magic = NPY_MAGIC.every((byte, i) => start[i] === byte)
  if (!magic || major < 1 || major > 3) {
    throw reader.error('is no .npy file of version 1 to 3; save it with numpy.save', 0)
  }
  const wide = major > 1
  const upper = wide ? new DataView((await reader.exactly(2, 'its header')).buffer).getUint16(0, true) : 0
  const length = view.getUint16(8, true) + 2 ** 16 * upper
  if (length > NPY_MOST_HEADER) throw reader.error(`states a header of ${length} bytes; save it with numpy.save`, 8)
  const header = new TextDecoder('latin1').decode(await reader.exactly(length, 'its header'))
  const stored = parseNpyType(reader, header)
  const shape = /'shape'\s*:\s*\(\s*(\d+)\s*,\s*(\d+)\s*,?\s*\)/.exec(header)
  if (shape === null) throw reader.error('holds no array of two dimensions; save it with reshape(-1, dim)', 10)
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1]
  if (fortran !== 'False') {
    throw reader.error('holds its array by columns (Fortran order); save numpy.ascontiguousarray of it', 10)
  }
  const [size, dim] = [Number(shape[1]), Number(shape[2])]
  checkSize(reader, size, 10)
  checkDim(reader, dim, 10)
  reader.expectTotal(reader.offset + size * dim * STORED_BYTES[stored], `${size} vectors of ${dim} components`)
  return { stored, dim, size, headerBytes: reader.offset, prefixBytes: 0 }
}

/** Read the start of a vector file, and compare what it promises with the size of the file. */
export function readLayout(reader: Reader, extension: string): Promise<VectorLayout> {
  const bin = BIN[extension]
  if (bin !== undefined) return readBinLayout(reader, bin)
  const vecs = VECS[extension]
  return vecs === undefined ? readNpyLayout(reader) : readVecsLayout(reader, vecs)
}
