import { Rng } from '../base/rng.js'
import { trainCodebook } from '../codes/codebooks.js'
import { Coder } from '../codes/coder.js'
import { addCovariances, fitRotation, type Covariances } from '../codes/rotation.js'
import { BLOCK, codeShape, rotatedStride, rotationBlocks } from '../codes/shape.js'
import type { Arena } from '../kernels/memory.js'
import { localArena, withBytes, withPoints } from './context.js'
import type { Tasks } from './messages.js'

type Input<K extends keyof Tasks> = Tasks[K]['input']

function withCoder<T>(arena: Arena, codec: Input<'encode'>['codec'], use: (coder: Coder) => T): T {
  const coder = new Coder(arena, codec)
  try {
    return use(coder)
  } finally {
    coder.close()
  }
}

/** Differences of some rows to their leaves' centroids. */
export function residuals({ points: table, codec, centroids, rows, leafOf, out, first, count }: Input<'residuals'>) {
  const arena = localArena()
  return withPoints(table, (points) =>
    withCoder(arena, codec, (coder) => {
      const { stride } = coder
      return withBytes(arena, count * (points.width + stride) * 4 + stride * 4, (address) => {
        const vectors = (address + count * points.width * 4 + 63) & ~63
        points.gather(rows.subarray(first, first + count), address)
        coder.centre(address, points.width, count, vectors)
        const values = arena.f32(vectors, count * stride)
        for (let i = 0; i < count; i++) {
          coder.centroids(centroids, leafOf[first + i]!, 1, address)
          const centroid = arena.f32(address, stride)
          for (let j = 0; j < stride; j++) values[i * stride + j]! -= centroid[j]!
        }
        out.set(values, first * stride)
        return undefined
      })
    }),
  )
}

/** The rotation of a sample of residuals, which it rotates in place; nothing where it would gain little. */
export function rotation({ codec, sample, count }: Input<'rotation'>): Float32Array | undefined {
  const shape = codeShape(codec.dim, codec.codeBytes)
  const stride = rotatedStride(shape)
  const sums: Covariances = rotationBlocks(shape).map(({ size }) => new Float64Array(size * size))
  addCovariances(sums, shape, sample, stride, count)
  const fitted = fitRotation(sums, shape)
  if (fitted === undefined) return undefined
  const arena = localArena()
  withCoder(arena, { ...codec, rotation: fitted }, (coder) =>
    withBytes(arena, 2 * BLOCK * stride * 4, (address) => {
      for (let first = 0; first < count; first += BLOCK) {
        const some = Math.min(BLOCK, count - first)
        const part = sample.subarray(first * stride, (first + some) * stride)
        const vectors = arena.f32(address, part.length)
        vectors.set(part)
        coder.rotate(address, some, address + BLOCK * stride * 4)
        part.set(vectors)
      }
    }),
  )
  return fitted
}

/** The codebooks of sub-codes [first, first + count). */
export function codebooks({ codec, sample, rows, seed, out, first, count }: Input<'codebooks'>): undefined {
  const shape = codeShape(codec.dim, codec.codeBytes)
  const { width } = shape
  const stride = rotatedStride(shape)
  const values = new Float32Array(rows * width)
  for (let sub = first; sub < first + count; sub++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < width; j++) values[i * width + j] = sample[i * stride + sub * width + j]!
    }
    const book = trainCodebook(values, width, new Rng(seed, 20_000 + sub))
    out.set(book, sub * book.length)
  }
  return undefined
}

/** Codes of the entries in blocks [first, first + count). */
export function encode(input: Input<'encode'>): undefined {
  const { points: table, codec, centroids, leafOffsets, entries, outCodes, outTerms, first, count } = input
  const arena = localArena()
  const start = first * BLOCK
  const end = Math.min(entries.length, (first + count) * BLOCK)
  const rows = end - start
  let leaf = leafAt(leafOffsets, start)
  const firstLeaf = leaf
  const leaves = leafAt(leafOffsets, end - 1) - firstLeaf + 1
  return withPoints(table, (points) =>
    withCoder(arena, codec, (coder) => {
      const { stride } = coder
      const line = (bytes: number): number => (bytes + 63) & ~63
      const vectorBytes = Math.max(rows, leaves) * stride * 4
      const rowBytes = line(Math.max(rows * points.width * 4, vectorBytes))
      return withBytes(arena, rowBytes + 2 * vectorBytes + line(rows * 4), (address) => {
        const vectors = address + rowBytes
        const middles = vectors + vectorBytes
        const places = middles + vectorBytes
        points.gather(entries.subarray(start, end), address)
        coder.centre(address, points.width, rows, vectors)
        coder.rotate(vectors, rows, address)
        coder.centroids(centroids, firstLeaf, leaves, middles)
        coder.rotate(middles, leaves, address)
        const numbers = arena.u32(places, rows)
        for (let i = 0; i < rows; i++) {
          while (start + i >= leafOffsets[leaf + 1]!) leaf++
          numbers[i] = leaf - firstLeaf
        }
        const blockBytes = BLOCK * coder.shape.columns
        for (let at = 0; at < rows; at += BLOCK) {
          const block = (start + at) / BLOCK
          const codes = outCodes.subarray(block * blockBytes, (block + 1) * blockBytes)
          const some = Math.min(BLOCK, rows - at)
          const terms = outTerms.subarray(start + at, start + at + some)
          coder.encode(vectors + at * stride * 4, some, middles, places + at * 4, codes, terms)
        }
        return undefined
      })
    }),
  )
}

/** The leaf that holds an entry. */
function leafAt(leafOffsets: Uint32Array, entry: number): number {
  let low = 0
  let high = leafOffsets.length - 2
  while (low < high) {
    const middle = (low + high) >>> 1
    if (leafOffsets[middle + 1]! <= entry) low = middle + 1
    else high = middle
  }
  return low
}
