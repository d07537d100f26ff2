import { BIAS, Leaves, type LeafRecords, type RecordShape } from './leaves.js'
import { BLOCK } from './shape.js'

/** Writes the records of the leaves of a tree, whose offsets are in place, and reads what only a build looks at. */
export class LeafWriter extends Leaves {
  readonly #bytes: Uint8Array
  readonly #codeBytes: number

  constructor(records: LeafRecords, shape: RecordShape) {
    super(records, shape)
    this.#bytes = records.leaves
    this.#codeBytes = shape.codeBytes
  }

  /** The position of the row of entry `i` of a leaf. */
  position(leaf: number, i: number): number {
    return this.view.getUint32(this.positionsAt(leaf) + 4 * i, true)
  }

  /** The entry of a leaf, positions ascending, that holds a position. */
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

  /** Positions of the rows of a leaf, as a copy. */
  positions(leaf: number): Uint32Array {
    const from = this.positionsAt(leaf)
    return new Uint32Array(this.size(leaf)).map((_, i) => this.view.getUint32(from + 4 * i, true))
  }

  setPositions(leaf: number, positions: Uint32Array): void {
    const from = this.positionsAt(leaf)
    for (const [i, position] of positions.entries()) this.view.setUint32(from + 4 * i, position, true)
  }

  setScale(leaf: number, scale: number): void {
    this.view.setFloat32(this.start(leaf), scale, true)
  }

  setBias(leaf: number, bias: number): void {
    this.view.setFloat32(this.start(leaf) + BIAS, bias, true)
  }

  /** Entries in block `b` of a leaf. */
  blockSize(leaf: number, b: number): number {
    return Math.min(BLOCK, this.size(leaf) - b * BLOCK)
  }

  /** The columns of block `b` of a leaf, `blockSize` bytes each; what is written to them is in the record. */
  columns(leaf: number, b: number): Uint8Array {
    const from = this.block(leaf, b)
    return this.#bytes.subarray(from, from + this.#codeBytes * this.blockSize(leaf, b))
  }

  /** l2: 2 c . r + r . r of centroid c and coded residual r of entry `i`, in steps of the index's `termUnit`. */
  setTerm(leaf: number, i: number, term: number): void {
    const b = Math.floor(i / BLOCK)
    const at = this.block(leaf, b) + this.#codeBytes * this.blockSize(leaf, b) + 2 * (i % BLOCK)
    this.view.setInt16(at, term, true)
  }
}
