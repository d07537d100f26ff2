import type { Arena } from '../kernels/memory.js'
import { paddedBytes } from '../tree/router.js'
import { BLOCK, blockStride, codeShape, rotatedStride, rotationBlocks, type CodeShape } from './shape.js'

/** What all codes of an index are made with. */
export interface Codec {
  readonly dim: number
  readonly codeBytes: number
  /** [padded(dim)] */
  readonly mean: Float32Array
  /** Matrices of `rotationBlocks`; undefined where nothing is rotated. */
  readonly rotation: Float32Array | undefined
  /** [subs * width * 16] */
  readonly codebooks: Float32Array
}

/** Leaf centroids less the mean, in 8-bit steps. */
export interface LeafCentroids {
  /** [leaves * paddedBytes(dim)] */
  readonly steps: Int8Array
  /** [leaves] */
  readonly scales: Float32Array
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
    const line = (bytes: number): number => (bytes + 63) & ~63
    const meanBytes = line(mean.byteLength)
    const rotationBytes = line(rotation?.byteLength ?? 0)
    const bookBytes = line(codebooks.byteLength)
    const blockBytes = BLOCK * this.shape.columns
    this.#address = arena.allocate(meanBytes + rotationBytes + bookBytes + blockBytes + 64 + BLOCK * 4)
    this.#mean = this.#address
    this.#rotation = this.#mean + meanBytes
    this.#books = this.#rotation + rotationBytes
    this.#block = this.#books + bookBytes
    this.#terms = (this.#block + blockBytes + 63) & ~63
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

  /** The centroids of leaves [first, first + count): out f32 [count * stride]. */
  centroids({ steps, scales }: LeafCentroids, first: number, count: number, out: number): void {
    const { dim } = this.#codec
    const bytes = paddedBytes(dim)
    const values = this.#arena.f32(out, count * this.stride).fill(0)
    for (let leaf = 0; leaf < count; leaf++) {
      const scale = scales[first + leaf]!
      for (let j = 0; j < dim; j++) values[leaf * this.stride + j] = steps[(first + leaf) * bytes + j]! * scale
    }
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
   * Code up to 16 rotated rows as one block.
   * @param leaves - u32 [count]: each row's centroid among the rotated ones at `centroids`.
   * @param outCodes - the block's bytes.
   * @param outTerms - [count]
   */
  encode(
    rows: number,
    count: number,
    centroids: number,
    leaves: number,
    outCodes: Uint8Array,
    outTerms: Float32Array,
  ): void {
    const { columns, width } = this.shape
    this.#arena.kernels.encodeBlock(
      rows,
      this.stride * 4,
      count,
      centroids,
      leaves,
      this.#books,
      columns,
      width,
      this.#block,
      this.#terms,
    )
    outCodes.set(this.#arena.u8(this.#block, BLOCK * columns))
    outTerms.set(this.#arena.f32(this.#terms, count))
  }
}
