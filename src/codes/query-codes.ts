import { align64 } from '../base/align.js'
import type { Arena } from '../kernels/memory.js'
import { paddedBytes, QUERY_STEPS, toSteps } from '../tree/router.js'
import type { Snapshot } from '../tree/snapshot.js'
import { blockStride, codeShape, rotatedStride, rotationBlocks, tableLevels, type CodeShape } from './shape.js'

/** A 16-bit product that keeps the 15 bits below its point: the largest factor. */
const MOST_FACTOR = 32_767

/**
 * What one query needs to be compared with codes, in an arena:
 * ```
 * | centred f32 [dims to 16] | integers i16 [dim to 16] | rotated f32 [dims to 16] | tables f32 [subs x 16] | tables u8 | least f32 | squared norm f32 |
 * | where vectors are rotated: part i16 [dims to 16] | zeros [dims to 16] | of each block rows i8 [size x size to 16] | scales f32 [size to 16] | ...
 * ```
 * A query is rotated in steps of 8 bits: what that loses is small beside the six bits of a table, and it takes a quarter of
 * the memory traffic of floats.
 *
 * The score of an entry is `scale` times its approximate distance, less what all entries share: for l2
 * |c + r|^2 - 2 q . (c + r), for the others -q . (c + r), with the leaf's centroid c and the coded residual r.
 */
export class QueryCodes {
  readonly #arena: Arena
  readonly #snapshot: Snapshot
  readonly #shape: CodeShape
  readonly #blocks: readonly { first: number; size: number; rows: number; scales: number }[]
  readonly #centred: number
  readonly #rotated: number
  readonly #floats: number
  readonly #least: number
  /** A part of the query in steps, and zeros. */
  readonly #part: number
  readonly #zeros: number
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
    this.#centred = scratch
    this.integers = scratch + floats * 4
    this.#rotated = this.integers + floats * 2
    this.#floats = this.#rotated + floats * 4
    this.tables = this.#floats + subs * 64
    this.#least = this.tables + subs * 16
    this.#part = align64(this.#least + 8)
    this.#zeros = this.#part + floats * 2
    this.#blocks = snapshot.rotated ? this.#layBlocks(this.#zeros + floats * 4) : []
  }

  /** Bytes of scratch, a multiple of 64. */
  static scratchBytes({ dim, codeBytes, rotated }: Snapshot): number {
    const shape = codeShape(dim, codeBytes)
    const floats = rotatedStride(shape)
    const fixed = align64(floats * 10 + shape.subs * 80 + 8)
    const blocks = rotationBlocks(shape).reduce((sum, { size }) => sum + blockBytes(size), floats * 6)
    return rotated ? align64(fixed + blocks) : fixed
  }

  /** The matrices of the rotation in steps, each row with its own. */
  #layBlocks(address: number): { first: number; size: number; rows: number; scales: number }[] {
    const arena = this.#arena
    arena.u8(this.#zeros, rotatedStride(this.#shape) * 4).fill(0)
    let from = 0
    let at = address
    return rotationBlocks(this.#shape).map((block) => {
      const { first, size } = block
      const stride = paddedBytes(size)
      const matrix = this.#snapshot.rotation.subarray(from, from + size * blockStride(block))
      const laid = { first, size, rows: at, scales: at + size * stride }
      const rows = new Int8Array(arena.memory.buffer, laid.rows, size * stride).fill(0)
      const scales = arena.f32(laid.scales, size)
      for (let i = 0; i < size; i++) {
        const row = matrix.subarray(i * blockStride(block), i * blockStride(block) + size)
        scales[i] = toSteps(row, rows.subarray(i * stride, (i + 1) * stride))
      }
      from += size * blockStride(block)
      at += blockBytes(size)
      return laid
    })
  }

  /** Take in the query at `query`, f32 as for routing. */
  load(query: number): void {
    const { kernels } = this.#arena
    const { dim, mean, rotated, codebooks, termUnit } = this.#snapshot
    const { subs, width } = this.#shape
    kernels.subtract(query, mean.byteOffset, dim, this.#centred)
    this.unit = kernels.quantize(this.#centred, dim, QUERY_STEPS, this.integers)
    let coded = this.#centred
    if (rotated) {
      coded = this.#rotated
      const [part, zeros] = [this.#part, this.#zeros]
      for (const { first, size, rows, scales } of this.#blocks) {
        const unit = kernels.quantize(this.#centred + first * 4, size, QUERY_STEPS, part)
        const out = coded + first * 4
        // One node, the first, whose children are the rows.
        kernels.scoreChildrenInt(part, unit, size, rows, paddedBytes(size), scales, zeros, zeros, 1, size, out)
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

/** Bytes of a block of a rotation in steps: rows and scales. */
function blockBytes(size: number): number {
  return size * paddedBytes(size) + (((size + 15) & ~15) << 2)
}
