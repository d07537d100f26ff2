import { paddedBytes } from '../tree/router.js'
import type { SnapshotHeader, TreeView } from '../tree/snapshot.js'
import { BLOCK } from './shape.js'

/** What fixes the bytes of a leaf's record. */
export type RecordShape = Pick<SnapshotHeader, 'dim' | 'metric' | 'codeBytes'>
/** The leaves of a tree, as an index stores them. */
export type LeafRecords = Pick<TreeView, 'leafOffsets' | 'leaves'>

const BIAS = 4
const CENTROID = 8
/** Zeros after the last record: its last block may be read as if it were whole. */
const TAIL = 32

/** Bytes of a record before its blocks. */
function headBytes({ dim }: RecordShape): number {
  return CENTROID + paddedBytes(dim)
}

/** Bytes of a code with its term, where the metric has one. */
function codedBytes({ metric, codeBytes }: RecordShape): number {
  return codeBytes + (metric === 'l2' ? 2 : 0)
}

/** What each entry adds to a record: its code, its term and the position of its row. */
export function entryBytes(shape: RecordShape): number {
  return codedBytes(shape) + 4
}

/** Bytes of all records and the zeros after them. */
export function leavesBytes(shape: RecordShape, leafCount: number, entryCount: number): number {
  return leafCount * headBytes(shape) + entryCount * entryBytes(shape) + TAIL
}

/**
 * Reads and writes the records of the leaves of a tree, which lie one after the other at any byte (FORMAT.md):
 * ```
 * | scale f32 | bias f32 | centroid i8 [dim to 16] | blocks | positions u32 [n] |
 * block of m entries, 16 in all but the last: | codeBytes columns of m bytes | terms i16 [m], under l2 |
 * ```
 */
export class Leaves {
  readonly #offsets: Uint32Array
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #shape: RecordShape
  readonly #head: number
  readonly #coded: number

  constructor({ leafOffsets, leaves }: LeafRecords, shape: RecordShape) {
    this.#offsets = leafOffsets
    this.#bytes = leaves
    this.#view = new DataView(leaves.buffer, leaves.byteOffset, leaves.length)
    this.#shape = shape
    this.#head = headBytes(shape)
    this.#coded = codedBytes(shape)
  }

  get count(): number {
    return this.#offsets.length - 1
  }

  /** Where the records end, and zeros begin. */
  get end(): number {
    return this.#record(this.count)
  }

  /** Entries of a leaf. */
  size(leaf: number): number {
    return this.#offsets[leaf + 1]! - this.#offsets[leaf]!
  }

  #record(leaf: number): number {
    return leaf * this.#head + this.#offsets[leaf]! * (this.#coded + 4)
  }

  /** Where the positions of a leaf stand among all bytes. */
  positionsAt(leaf: number): number {
    return this.#record(leaf) + this.#head + this.size(leaf) * this.#coded
  }

  /** The position of the row of entry `i` of a leaf. */
  position(leaf: number, i: number): number {
    return this.#view.getUint32(this.positionsAt(leaf) + 4 * i, true)
  }

  /** Positions of the rows of a leaf, ascending, as a copy. */
  positions(leaf: number): Uint32Array {
    const from = this.positionsAt(leaf)
    return new Uint32Array(this.size(leaf)).map((_, i) => this.#view.getUint32(from + 4 * i, true))
  }

  setPositions(leaf: number, positions: Uint32Array): void {
    const from = this.positionsAt(leaf)
    for (const [i, position] of positions.entries()) this.#view.setUint32(from + 4 * i, position, true)
  }

  /** The entry of a leaf that holds a position. */
  entryOf(leaf: number, position: number): number {
    let low = 0
    let high = this.size(leaf) - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.position(leaf, middle) < position) low = middle + 1
      else high = middle
    }
    return low
  }

  /** [paddedBytes(dim)]: the centroid less the index's mean, in steps of `scale`; writing to it changes the record. */
  centroid(leaf: number): Int8Array {
    const from = this.#bytes.byteOffset + this.#record(leaf) + CENTROID
    return new Int8Array(this.#bytes.buffer, from, this.#head - CENTROID)
  }

  scale(leaf: number): number {
    return this.#view.getFloat32(this.#record(leaf), true)
  }

  setScale(leaf: number, scale: number): void {
    this.#view.setFloat32(this.#record(leaf), scale, true)
  }

  /** l2: the squared norm of the centroid in steps; else 0. */
  bias(leaf: number): number {
    return this.#view.getFloat32(this.#record(leaf) + BIAS, true)
  }

  setBias(leaf: number, bias: number): void {
    this.#view.setFloat32(this.#record(leaf) + BIAS, bias, true)
  }

  /** Entries in block `b` of a leaf. */
  blockSize(leaf: number, b: number): number {
    return Math.min(BLOCK, this.size(leaf) - b * BLOCK)
  }

  #block(leaf: number, b: number): number {
    return this.#record(leaf) + this.#head + b * BLOCK * this.#coded
  }

  /** The columns of block `b` of a leaf, `blockSize` bytes each; writing to them changes the record. */
  columns(leaf: number, b: number): Uint8Array {
    const from = this.#block(leaf, b)
    return this.#bytes.subarray(from, from + this.#shape.codeBytes * this.blockSize(leaf, b))
  }

  #term(leaf: number, i: number): number {
    const b = Math.floor(i / BLOCK)
    return this.#block(leaf, b) + this.#shape.codeBytes * this.blockSize(leaf, b) + 2 * (i % BLOCK)
  }

  /** l2: 2 c . r + r . r of centroid c and coded residual r of entry `i`, in steps of the index's `termUnit`. */
  term(leaf: number, i: number): number {
    return this.#view.getInt16(this.#term(leaf, i), true)
  }

  setTerm(leaf: number, i: number, term: number): void {
    this.#view.setInt16(this.#term(leaf, i), term, true)
  }
}
