import { align64 } from '../base/align.js'
import { Rng } from '../base/rng.js'
import { trainCodebooks } from '../codes/codebooks.js'
import { Coder } from '../codes/coder.js'
import { covariancesOf, fitBlock } from '../codes/rotation.js'
import { BLOCK, CENTROIDS, codeShape, rotatedStride, rotationBlocks } from '../codes/shape.js'
import type { Arena } from '../kernels/memory.js'
import { LeafWriter } from '../codes/leaf-writer.js'
import { localArena, withBytes, withPoints } from './context.js'
import type { Tasks } from './messages.js'

type Input<K extends keyof Tasks> = Tasks[K]['input']

/** Rows that are rotated at a time: a whole number of blocks. */
const ENCODED_ROWS = 512

function withCoder<T>(arena: Arena, codec: Input<'encode'>['codec'], use: (coder: Coder) => T): T {
  const coder = new Coder(arena, codec)
  try {
    return use(coder)
  } finally {
    coder.close()
  }
}

/** Differences of some rows to their leaves' centroids. */
export function residuals({ points: table, codec, tree, rows, leafOf, out, first, count }: Input<'residuals'>) {
  const arena = localArena()
  const leaves = new LeafWriter(tree, codec)
  return withPoints(table, (points) =>
    withCoder(arena, codec, (coder) => {
      const { stride } = coder
      return withBytes(arena, count * (points.width + stride) * 4 + stride * 4, (address) => {
        const vectors = align64(address + count * points.width * 4)
        points.gather(rows.subarray(first, first + count), address)
        coder.centre(address, points.width, count, vectors)
        let held = -1
        for (let i = 0; i < count; i++) {
          const vector = vectors + i * stride * 4
          const leaf = leafOf[first + i]!
          if (leaf !== held) coder.centroid(leaves, (held = leaf), address)
          arena.kernels.subtract(vector, address, stride, vector)
        }
        out.set(arena.f32(vectors, count * stride), first * stride)
        return undefined
      })
    }),
  )
}

/** The rotation of one block of components that a sample of residuals asks for. */
export async function fitRotation(input: Input<'fitRotation'>): Promise<Tasks['fitRotation']['output']> {
  const { codec, sample, count, block } = input
  const shape = codeShape(codec.dim, codec.codeBytes)
  const own = rotationBlocks(shape)[block]!
  return fitBlock(covariancesOf(localArena(), shape, own, sample, count), own, shape.width)
}

/** Rotate residuals [first, first + count) in place. */
export function rotate({ codec, sample, first, count }: Input<'rotate'>): undefined {
  const stride = rotatedStride(codeShape(codec.dim, codec.codeBytes))
  const arena = localArena()
  withCoder(arena, codec, (coder) =>
    withBytes(arena, 2 * BLOCK * stride * 4, (address) => {
      for (let done = first; done < first + count; done += BLOCK) {
        const some = Math.min(BLOCK, first + count - done)
        const part = sample.subarray(done * stride, (done + some) * stride)
        const vectors = arena.f32(address, part.length)
        vectors.set(part)
        coder.rotate(address, some, address + BLOCK * stride * 4)
        part.set(vectors)
      }
    }),
  )
  return undefined
}

/** The codebooks of sub-codes [first, first + count). */
export function codebooks({ codec, sample, rows, seed, out, first, count }: Input<'codebooks'>): undefined {
  const shape = codeShape(codec.dim, codec.codeBytes)
  const { width } = shape
  const own = { values: sample, count: rows, stride: rotatedStride(shape), first: first * width, width, books: count }
  const books = trainCodebooks(localArena(), own, (book) => new Rng(seed, 20_000 + first + book))
  out.set(books, first * width * CENTROIDS)
  return undefined
}

/** Codes of the entries of leaves [first, first + count). */
export function encode({ points: table, codec, tree, outTerms, first, count }: Input<'encode'>): undefined {
  const arena = localArena()
  const leaves = new LeafWriter(tree, codec)
  return withPoints(table, (points) =>
    withCoder(arena, codec, (coder) => {
      const bytes = coder.stride * 4
      const vectorBytes = ENCODED_ROWS * bytes
      const rowBytes = Math.max(ENCODED_ROWS * points.width * 4, vectorBytes)
      return withBytes(arena, rowBytes + vectorBytes + bytes, (address) => {
        const vectors = address + rowBytes
        const centroid = vectors + vectorBytes
        for (let leaf = first; leaf < first + count; leaf++) {
          const positions = leaves.positions(leaf)
          const terms = outTerms.subarray(tree.leafOffsets[leaf]!)
          coder.centroid(leaves, leaf, centroid)
          coder.rotate(centroid, 1, address)
          for (let done = 0; done < positions.length; done += ENCODED_ROWS) {
            const rows = Math.min(ENCODED_ROWS, positions.length - done)
            points.gather(positions.subarray(done, done + rows), address)
            coder.centre(address, points.width, rows, vectors)
            coder.rotate(vectors, rows, address)
            for (let at = 0; at < rows; at += BLOCK) {
              const b = (done + at) / BLOCK
              const some = leaves.blockSize(leaf, b)
              const own = terms.subarray(done + at, done + at + some)
              coder.encode(vectors + at * bytes, some, centroid, leaves.columns(leaf, b), own)
            }
          }
        }
        return undefined
      })
    }),
  )
}
