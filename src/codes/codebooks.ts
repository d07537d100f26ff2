import { align64 } from '../base/align.js'
import type { Rng } from '../base/rng.js'
import type { Arena } from '../kernels/memory.js'
import { CENTROIDS } from './shape.js'

const ITERATIONS = 8
/** Sub-vectors that the first centroids are drawn from: enough for sixteen. */
const SEEDED = 1024

/** What some codebooks are learned from. */
export interface CodebookSample {
  /** Vectors of `stride` floats each, one sub-vector of every book after the other from `first` on. */
  readonly values: Float32Array
  readonly count: number
  readonly stride: number
  readonly first: number
  /** Components of a sub-vector. */
  readonly width: number
  /** How many books: an even number, as two sub-codes share a byte. */
  readonly books: number
}

/**
 * The 16 centroids of each of some sub-codes, by k-means from a k-means++ start; the kernel that codes entries tells which
 * centroid is nearest.
 * @param seedOf - of a book's random numbers.
 * @returns [books * width * 16]: of each book the 16 values of one component together.
 */
export function trainCodebooks(arena: Arena, sample: CodebookSample, seedOf: (book: number) => Rng): Float32Array {
  const { values, count, stride, first, width, books } = sample
  const dims = books * width
  const own = new Float32Array(count * dims)
  for (let i = 0; i < count; i++) {
    const from = i * stride + first
    own.set(values.subarray(from, from + dims), i * dims)
  }
  const tables = new Float32Array(dims * CENTROIDS)
  for (let book = 0; book < books; book++) {
    const table = seedCentroids(own, { dims, at: book * width, width }, seedOf(book))
    tables.set(table, book * width * CENTROIDS)
  }
  const held = books * CENTROIDS
  const sizes = [own.byteLength, tables.byteLength, dims * 4, held * width * 8, held * 4].map(align64)
  const address = arena.allocate(sizes.reduce((sum, bytes) => sum + bytes, 0))
  const [rows, at, zeros, sumsAt, countsAt] = sizes.map(
    (_, part) => address + sizes.slice(0, part).reduce((sum, bytes) => sum + bytes, 0),
  ) as [number, number, number, number, number]
  arena.f32(rows, own.length).set(own)
  const sums = new Float64Array(arena.memory.buffer, sumsAt, held * width)
  const counts = arena.u32(countsAt, held)
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    sums.fill(0)
    counts.fill(0)
    arena.f32(at, tables.length).set(tables)
    arena.kernels.addNearest(rows, dims * 4, count, zeros, at, books / 2, width, sumsAt, countsAt)
    for (let centroid = 0; centroid < held; centroid++) {
      if (counts[centroid] === 0) continue
      const to = (centroid - (centroid % CENTROIDS)) * width + (centroid % CENTROIDS)
      for (let j = 0; j < width; j++) tables[to + j * CENTROIDS] = sums[centroid * width + j]! / counts[centroid]!
    }
  }
  arena.free(address)
  return tables
}

/** Each next centroid is a sub-vector drawn with a chance that grows with the squared distance to those before. */
function seedCentroids(
  vectors: Float32Array,
  { dims, at, width }: { dims: number; at: number; width: number },
  rng: Rng,
): Float32Array {
  const total = vectors.length / dims
  const count = Math.min(total, SEEDED)
  const stride = Math.floor(total / count) * dims
  const table = new Float32Array(CENTROIDS * width)
  const distances = new Float64Array(count).fill(Infinity)
  let chosen = rng.below(count)
  for (let c = 0; c < CENTROIDS; c++) {
    for (let j = 0; j < width; j++) table[j * CENTROIDS + c] = vectors[chosen * stride + at + j]!
    let sum = 0
    for (let i = 0; i < count; i++) {
      let squares = 0
      for (let j = 0; j < width; j++) {
        const difference = vectors[i * stride + at + j]! - table[j * CENTROIDS + c]!
        squares += difference * difference
      }
      if (squares < distances[i]!) distances[i] = squares
      sum += distances[i]!
    }
    let left = rng.uniform() * sum
    chosen = 0
    while (chosen < count - 1 && (left -= distances[chosen]!) > 0) chosen++
  }
  return table
}
