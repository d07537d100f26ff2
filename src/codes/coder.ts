import { align64 } from '../base/align.js'
import type { Arena } from '../kernels/memory.js'
import type { Leaves, RecordShape } from './leaves.js'
import { BLOCK, blockStride, codeShape, rotatedStride, rotationBlocks, type CodeShape } from './shape.js'

/** What all codes of an index are made with. */
export interface Codec extends RecordShape {
  /** [padded(dim)] */
  readonly mean: Float32Array
  /** Matrices of `rotationBlocks`; undefined where nothing is rotated. */
  readonly rotation: Float32Array | undefined
  /** [subs * width * 16] */
  readonly codebooks: Float32Array
}

/** Codes rows of one thread: takes the mean from them, rotates them, and codes what they differ from their leaf's centroid. */
export class Coder {
  readonly shape: CodeShape
  /** Floats from one vector to the next. */
  readonly stride: number
  readonly #arena: Arena
  readonly #codec: Codec
  readonly #address: number
  readonly #mean: number
  readonly #rotation: number
  readonly #books: number
  readonly #block: number
  readonly #terms: number

  constructor(arena: Arena, codec: Codec) {
    this.#arena = arena
    this.#codec = codec
    this.shape = codeShape(codec.dim, codec.codeBytes)
    this.stride = rotatedStride(this.shape)
    const { mean, rotation, codebooks } = codec
    const meanBytes = align64(mean.byteLength)
    const rotationBytes = align64(rotation?.byteLength ?? 0)
    const bookBytes = align64(codebooks.byteLength)
    const blockBytes = BLOCK * this.shape.columns
    this.#address = arena.allocate(meanBytes + rotationBytes + bookBytes + blockBytes + 64 + BLOCK * 4)
    this.#mean = this.#address
    this.#rotation = this.#mean + meanBytes
    this.#books = this.#rotation + rotationBytes
    this.#block = this.#books + bookBytes
    this.#terms = align64(this.#block + blockBytes)
    arena.f32(this.#mean, mean.length).set(mean)
    if (rotation !== undefined) arena.f32(this.#rotation, rotation.length).set(rotation)
    arena.f32(this.#books, codebooks.length).set(codebooks)
  }

  /** Give the tables back. */
  close(): void {
    this.#arena.free(this.#address)
  }

  /** Take the mean from `count` rows f32 [padded(dim)]: out f32 [count * stride], zeros after `dim`. */
  centre(rows: number, rowFloats: number, count: number, out: number): void {
    const { kernels } = this.#arena
    this.#arena.f32(out, count * this.stride).fill(0)
    for (let i = 0; i < count; i++) {
      kernels.subtract(rows + i * rowFloats * 4, this.#mean, this.#codec.dim, out + i * this.stride * 4)
    }
  }

  /** The centroid of a leaf: out f32 [stride]. */
  centroid(leaves: Leaves, leaf: number, out: number): void {
    const values = this.#arena.f32(out, this.stride).fill(0)
    const steps = leaves.centroid(leaf)
    const scale = leaves.scale(leaf)
    for (let i = 0; i < this.#codec.dim; i++) values[i] = steps[i]! * scale
  }

  /** Rotate `count` vectors f32 [count * stride] in place; `scratch` has room for as many. */
  rotate(vectors: number, count: number, scratch: number): void {
    if (this.#codec.rotation === undefined) return
    const { kernels } = this.#arena
    const stride = this.stride * 4
    let matrix = this.#rotation
    for (const block of rotationBlocks(this.shape)) {
      const { first, size } = block
      const bytes = blockStride(block) * 4
      kernels.dots(vectors + first * 4, stride, count, matrix, bytes, size, size, 0, 0, scratch)
      const from = this.#arena.f32(scratch, count * size)
      const to = this.#arena.f32(vectors, count * this.stride)
      for (let i = 0; i < count; i++) to.set(from.subarray(i * size, (i + 1) * size), i * this.stride + first)
      matrix += size * bytes
    }
  }

  /**
   * Code up to 16 rotated rows of a leaf as one block.
   * @param centroid - of the leaf, rotated.
   * @param outColumns - the block's columns, `count` bytes each.
   * @param outTerms - [count]
   */
  encode(rows: number, count: number, centroid: number, outColumns: Uint8Array, outTerms: Float32Array): void {
    const { columns, width } = this.shape
    const { kernels } = this.#arena
    kernels.encodeBlock(rows, this.stride * 4, count, centroid, this.#books, columns, width, this.#block, this.#terms)
    for (let column = 0; column < columns; column++)
      outColumns.set(this.#arena.u8(this.#block + column * BLOCK, count), column * count)
    outTerms.set(this.#arena.f32(this.#terms, count))
  }
}
