import { paddedBytes } from '../tree/router.js'
import type { SnapshotHeader, TreeView } from '../tree/snapshot.js'
import { BLOCK } from './shape.js'

/** What fixes the bytes of a leaf's record. */
export type RecordShape = Pick<SnapshotHeader, 'dim' | 'metric' | 'codeBytes'>
/** The leaves of a tree, as an index stores them. */
export type LeafRecords = Pick<TreeView, 'leafOffsets' | 'leaves'>

export const BIAS = 4
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
 * Reads the records of the leaves of a tree, which lie one after the other at any byte (FORMAT.md):
 * ```
 * | scale f32 | bias f32 | centroid i8 [dim to 16] | blocks | positions u32 [n] |
 * block of m entries, 16 in all but the last: | codeBytes columns of m bytes | terms i16 [m], under l2 |
 * ```
 */
export class Leaves {
  readonly #offsets: Uint32Array
  readonly #head: number
  readonly #coded: number
  protected readonly view: DataView

  constructor({ leafOffsets, leaves }: LeafRecords, shape: RecordShape) {
    this.#offsets = leafOffsets
    this.#head = headBytes(shape)
    this.#coded = codedBytes(shape)
    this.view = new DataView(leaves.buffer, leaves.byteOffset, leaves.length)
  }

  get count(): number {
    return this.#offsets.length - 1
  }

  /** Entries of a leaf. */
  size(leaf: number): number {
    return this.#offsets[leaf + 1]! - this.#offsets[leaf]!
  }

  /** Where the record of a leaf begins; that of `count` is where the zeros begin. */
  start(leaf: number): number {
    return leaf * this.#head + this.#offsets[leaf]! * (this.#coded + 4)
  }

  /** Where block `b` of a leaf begins. */
  protected block(leaf: number, b: number): number {
    return this.start(leaf) + this.#head + b * BLOCK * this.#coded
  }

  /** Where the positions of a leaf begin. */
  positionsAt(leaf: number): number {
    return this.start(leaf) + this.#head + this.size(leaf) * this.#coded
  }

  /** [paddedBytes(dim)]: the centroid less the index's mean, in steps of `scale`. */
  centroid(leaf: number): Int8Array {
    const { buffer, byteOffset } = this.view
    return new Int8Array(buffer, byteOffset + this.start(leaf) + CENTROID, this.#head - CENTROID)
  }

  scale(leaf: number): number {
    return this.view.getFloat32(this.start(leaf), true)
  }

  /** l2: the squared norm of the centroid in steps; else 0. */
  bias(leaf: number): number {
    return this.view.getFloat32(this.start(leaf) + BIAS, true)
  }
}
