import type { Arena } from '../kernels/memory.js'
import type { Snapshot } from '../tree/snapshot.js'
import { blockStride, codeShape, rotatedStride, rotationBlocks, tableLevels, type CodeShape } from './shape.js'

/** A 16-bit product that keeps the 15 bits below its point: the largest factor. */
const MOST_FACTOR = 32_767

/**
 * What one query needs to be compared with codes, in an arena:
 * ```
 * | centred f32 [dims to 16] | integers i16 [dim to 16] | rotated f32 [dims to 16] | tables f32 [subs x 16] | tables u8 | least f32 | squared norm f32 |
 * ```
 * The score of an entry is `scale` times its approximate distance, less what all entries share: for l2
 * |c + r|^2 - 2 q . (c + r), for the others -q . (c + r), with the leaf's centroid c and the coded residual r.
 */
export class QueryCodes {
  readonly #arena: Arena
  readonly #snapshot: Snapshot
  readonly #shape: CodeShape
  readonly #blocks: readonly { first: number; size: number; matrix: number; stride: number }[]
  readonly #centred: number
  readonly #rotated: number
  readonly #floats: number
  readonly #least: number
  /** The least values of the tables together, and the squared norm of the query. */
  #sums: Float32Array = new Float32Array(0)
  /** Address of the query in whole steps of `unit`. */
  readonly integers: number
  /** Address of the tables. */
  readonly tables: number
  unit = 0
  /** Score steps for a unit of distance. */
  scale = 1
  /** What a term counts, in 2^-15 score steps. */
  factor = 0
  /** Weight of a dot product in a distance. */
  readonly weight: number

  constructor(arena: Arena, snapshot: Snapshot, scratch: number) {
    this.#arena = arena
    this.#snapshot = snapshot
    this.#shape = codeShape(snapshot.dim, snapshot.codeBytes)
    this.weight = snapshot.metric === 'l2' ? 2 : 1
    const { subs } = this.#shape
    const floats = rotatedStride(this.#shape)
    let matrix = snapshot.rotation.byteOffset
    this.#blocks = rotationBlocks(this.#shape).map((block) => {
      const at = matrix
      matrix += block.size * blockStride(block) * 4
      return { ...block, matrix: at, stride: blockStride(block) * 4 }
    })
    this.#centred = scratch
    this.integers = scratch + floats * 4
    this.#rotated = this.integers + floats * 2
    this.#floats = this.#rotated + rotatedStride(this.#shape) * 4
    this.tables = this.#floats + subs * 64
    this.#least = this.tables + subs * 16
  }

  /** Bytes of scratch, a multiple of 64. */
  static scratchBytes({ dim, codeBytes }: Snapshot): number {
    const shape = codeShape(dim, codeBytes)
    const floats = rotatedStride(shape)
    return (floats * 6 + rotatedStride(shape) * 4 + shape.subs * 80 + 8 + 63) & ~63
  }

  /** Take in the query at `query`, f32 as for routing. */
  load(query: number): void {
    const { kernels } = this.#arena
    const { dim, mean, rotated, codebooks, termUnit } = this.#snapshot
    const { subs, width } = this.#shape
    kernels.subtract(query, mean.byteOffset, dim, this.#centred)
    this.unit = kernels.quantize(this.#centred, dim, this.integers)
    let coded = this.#centred
    if (rotated) {
      coded = this.#rotated
      for (const { first, size, matrix, stride } of this.#blocks) {
        const from = this.#centred + first * 4
        kernels.dots(from, stride, 1, matrix, stride, size, size, 0, 0, coded + first * 4)
      }
    }
    const most = termUnit > 0 ? MOST_FACTOR / 32_768 / termUnit : 3e38
    this.scale = kernels.codeTables(
      coded,
      codebooks.byteOffset,
      subs,
      width,
      -this.weight,
      tableLevels(this.#shape),
      most,
      this.#floats,
      this.tables,
      this.#least,
    )
    this.factor = Math.min(MOST_FACTOR, Math.round(termUnit * this.scale * 32_768))
  }

  /** What distances by code share, which scores leave out, but for the least base of the leaves. */
  shared(): number {
    const { metric, dim } = this.#snapshot
    const arena = this.#arena
    if (this.#sums.buffer !== arena.memory.buffer) this.#sums = arena.f32(this.#least, 2)
    if (metric !== 'l2') return this.#sums[0]! + (metric === 'cosine' ? 1 : 0)
    const centred = this.#centred
    arena.kernels.dots(centred, 0, 1, centred, 0, 1, dim, 0, 0, this.#least + 4)
    return this.#sums[0]! + this.#sums[1]!
  }
}
