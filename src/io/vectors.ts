import type { UrlLike } from '../base/globals.js'
import { COMPONENT_BYTES } from '../base/matrix.js'
import type { RowType } from '../base/options.js'
import { rowArray, type RowArray } from '../base/rows.js'
import { extensionOf, readLayout, STORED_BYTES, type StoredType, type VectorLayout } from './layouts.js'
import { openStream, pathText } from '#io'
import { GrowingBuffer, Reader } from './reader.js'

export { readGroundTruth, writeGroundTruth, type GroundTruth } from './ground-truth.js'

/** Bytes of rows that `readVectors` reads at a time. */
const BLOCK = 8 << 20
/** The longest block that takes the place of the one before. */
const MOST_ROOM = 8 << 20
/** Integers up to here are exact in f32. */
const F32_EXACT = 2 ** 24

/** A vector file, whole. `rows` is [size * dim], row-major; f16 as its bits in a Uint16Array. */
export interface Vectors {
  /** [size * dim], row-major. */
  readonly rows: RowArray
  /** Type of a component. */
  readonly type: RowType
  /** Components of a row. */
  readonly dim: number
  /** Rows. */
  readonly size: number
}

function typeOf(stored: StoredType): RowType {
  return stored === 'i32' || stored === 'f64' ? 'f32' : stored
}

/** Take away what stands before each row, once it is what all rows must state. */
function stripPrefixes(
  reader: Reader,
  raw: Uint8Array<ArrayBuffer>,
  { dim, stored }: VectorLayout,
  firstRow: number,
): Uint8Array<ArrayBuffer> {
  const rowBytes = dim * STORED_BYTES[stored]
  const count = raw.length / (4 + rowBytes)
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length)
  const bare = new Uint8Array(count * rowBytes)
  for (let row = 0; row < count; row++) {
    const start = row * (4 + rowBytes)
    const stated = view.getInt32(start, true)
    if (stated !== dim) {
      const message = `states ${stated} components in row ${firstRow + row}, but ${dim} in the first; all rows need the same number`
      throw reader.error(message, reader.offset - raw.length + start)
    }
    bare.set(raw.subarray(start + 4, start + 4 + rowBytes), row * rowBytes)
  }
  return bare
}

function fromI32(reader: Reader, values: Int32Array, firstRow: number, dim: number): Float32Array {
  const wide = values.findIndex((value) => Math.abs(value) > F32_EXACT)
  if (wide >= 0) {
    throw reader.error(
      `holds ${values[wide]} in row ${firstRow + Math.floor(wide / dim)}, which f32 cannot hold exactly; scale the values, or read ids with readGroundTruth`,
    )
  }
  return Float32Array.from(values)
}

/** The components of some rows as one of the four row types. `bytes` starts its buffer. */
function toRows(
  reader: Reader,
  bytes: Uint8Array<ArrayBuffer>,
  { stored, dim }: VectorLayout,
  firstRow: number,
): RowArray {
  const length = bytes.length / STORED_BYTES[stored]
  if (stored === 'i32') return fromI32(reader, new Int32Array(bytes.buffer, 0, length), firstRow, dim)
  if (stored === 'f64') return Float32Array.from(new Float64Array(bytes.buffer, 0, length))
  if (stored === 'f32') return new Float32Array(bytes.buffer, 0, length)
  if (stored === 'f16') return new Uint16Array(bytes.buffer, 0, length)
  return stored === 'u8' ? bytes : new Int8Array(bytes.buffer, 0, length)
}

async function* readBlocks(
  path: string,
  layout: VectorLayout,
  rowsPerBlock: number,
  reuse: boolean,
): AsyncGenerator<RowArray, void, void> {
  const { dim, stored, prefixBytes, headerBytes, size = Infinity } = layout
  const rowBytes = prefixBytes + dim * STORED_BYTES[stored]
  const reader = new Reader(await openStream(path))
  // V8 would let tens of MB of blocks gather before it collects them.
  const room = new ArrayBuffer(reuse ? Math.min(MOST_ROOM, Math.min(rowsPerBlock, size) * rowBytes) : 0)
  try {
    await reader.exactly(headerBytes, 'its header')
    let row = 0
    while (row < size) {
      const wanted = Math.min(rowsPerBlock, size - row) * rowBytes
      const raw =
        size === Infinity ? await reader.upTo(wanted, room) : await reader.exactly(wanted, `rows from ${row} on`, room)
      if (raw.length === 0) break
      const count = Math.floor(raw.length / rowBytes)
      if (raw.length % rowBytes !== 0) throw reader.error(`ends in the middle of row ${row + count}; copy it again`)
      const bare = prefixBytes === 0 ? raw : stripPrefixes(reader, raw, layout, row)
      yield toRows(reader, bare, layout, row)
      row += count
      if (raw.length < wanted) break
    }
    if (size !== Infinity) await reader.expectEnd(`its ${size} rows`)
  } finally {
    await reader.close()
  }
}

/** A vector file opened for reading, as `openVectors` gives it. */
export interface VectorFile {
  readonly type: RowType
  readonly dim: number
  readonly size: number | undefined
  /** @param reuse - a block is valid until the next one is asked for, which may take its place. */
  blocks(rowsPerBlock: number, reuse?: boolean): AsyncIterable<RowArray>
}

/**
 * Open a vector file for reading in blocks: .fbin .u8bin .i8bin .f16bin .ibin (big-ann-benchmarks), .fvecs .bvecs .ivecs
 * (TEXMEX), .npy (NumPy), each also .gz. Integers of 32 bits and f64 come as f32. Each pass over `blocks` reads the file
 * anew; no more than a block of it is in memory, and each block is a fresh array that the caller may keep, unless it asks for
 * others.
 * @returns `size` is undefined only for packed .fvecs, .bvecs and .ivecs, whose length only reading tells.
 * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT when it is missing, unreadable or of an unknown kind.
 * @throws {FormatError} BATL_FORMAT, on opening or while reading, when the file is not what it says.
 */
export async function openVectors(path: string | UrlLike): Promise<VectorFile> {
  const text = pathText(path)
  const extension = extensionOf(text)
  const reader = new Reader(await openStream(text))
  try {
    const layout = await readLayout(reader, extension)
    return {
      type: typeOf(layout.stored),
      dim: layout.dim,
      size: layout.size,
      blocks: (rowsPerBlock, reuse = false) => readBlocks(text, layout, Math.max(1, Math.floor(rowsPerBlock)), reuse),
    }
  } finally {
    await reader.close()
  }
}

/**
 * Read a whole vector file. Kinds and errors are those of `openVectors`.
 * @throws {CapacityError} BATL_CAPACITY when it does not fit in one array.
 */
export async function readVectors(path: string | UrlLike): Promise<Vectors> {
  const { type, dim, size, blocks } = await openVectors(path)
  const rowBytes = dim * COMPONENT_BYTES[type]
  const trusted = size !== undefined && !/\.gz$/i.test(pathText(path))
  const bytes = new GrowingBuffer(size === undefined ? Infinity : size * rowBytes, trusted)
  for await (const block of blocks(Math.ceil(BLOCK / rowBytes), true)) {
    bytes.append(new Uint8Array(block.buffer, block.byteOffset, block.byteLength))
  }
  const buffer = bytes.finish()
  return { rows: rowArray(type, buffer), type, dim, size: buffer.byteLength / rowBytes }
}
