import { packBlock } from './codes.js'

/** Leaves in plain arrays; what a test does not look at may be left out. */
export interface PlainLeaves {
  readonly dim: number
  readonly columns: number
  /** [leaves + 1] */
  readonly offsets: readonly number[]
  readonly scales?: readonly number[]
  readonly biases?: readonly number[]
  /** Steps by leaf. */
  readonly centroids?: readonly (readonly number[])[]
  /** Sub-codes by entry. */
  readonly codes?: readonly (readonly number[])[]
  /** By entry. */
  readonly terms?: readonly number[]
  /** By entry. */
  readonly positions?: readonly number[]
}

/** Their records as FORMAT.md lays them out, and what an entry takes. */
export function packLeaves(leaves: PlainLeaves): { bytes: number[]; entryBytes: number } {
  const { dim, columns, offsets, terms } = leaves
  const bytes: number[] = []
  const put = (array: ArrayBufferView): void => {
    bytes.push(...new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  }
  for (let leaf = 0; leaf + 1 < offsets.length; leaf++) {
    const [first, last] = [offsets[leaf]!, offsets[leaf + 1]!]
    put(Float32Array.of(leaves.scales?.[leaf] ?? 0, leaves.biases?.[leaf] ?? 0))
    const centroid = new Int8Array(Math.ceil(dim / 16) * 16)
    centroid.set(leaves.centroids?.[leaf] ?? [])
    put(centroid)
    for (let from = first; from < last; from += 16) {
      const to = Math.min(from + 16, last)
      const own = leaves.codes?.slice(from, to) ?? Array.from({ length: to - from }, () => [])
      bytes.push(...packBlock(own, columns, to - from))
      if (terms !== undefined) put(Int16Array.from(terms.slice(from, to)))
    }
    put(Uint32Array.from({ length: last - first }, (_, i) => leaves.positions?.[first + i] ?? 0))
  }
  // What a last block that is not whole may be read into.
  bytes.push(...new Array<number>(32).fill(0))
  return { bytes, entryBytes: columns + (terms === undefined ? 0 : 2) + 4 }
}

/** One leaf as its record says. */
export interface PlainLeaf {
  readonly scale: number
  readonly bias: number
  readonly centroid: number[]
  /** Sub-codes and terms by entry. */
  readonly codes: number[][]
  readonly terms: number[]
  readonly positions: number[]
}

/** Leaves read from their records, byte by byte. */
export function unpackLeaves(
  { leaves, leafOffsets }: { leaves: Uint8Array; leafOffsets: Uint32Array },
  { dim, codeBytes, metric }: { dim: number; codeBytes: number; metric: string },
): PlainLeaf[] {
  const view = new DataView(leaves.buffer, leaves.byteOffset, leaves.length)
  let at = 0
  return Array.from({ length: leafOffsets.length - 1 }, (_, leaf) => {
    const size = leafOffsets[leaf + 1]! - leafOffsets[leaf]!
    const [scale, bias] = [view.getFloat32(at, true), view.getFloat32(at + 4, true)]
    const centroid = Array.from({ length: dim }, (_, i) => view.getInt8(at + 8 + i))
    at += 8 + Math.ceil(dim / 16) * 16
    const [codes, terms]: [number[][], number[]] = [[], []]
    for (let left = size; left > 0; left -= 16) {
      const some = Math.min(left, 16)
      for (let i = 0; i < some; i++) {
        const bytes = Array.from({ length: codeBytes }, (_, column) => view.getUint8(at + column * some + i))
        codes.push(bytes.flatMap((byte) => [byte & 15, byte >> 4]))
        if (metric === 'l2') terms.push(view.getInt16(at + codeBytes * some + 2 * i, true))
      }
      at += some * (codeBytes + (metric === 'l2' ? 2 : 0))
    }
    const positions = Array.from({ length: size }, (_, i) => view.getUint32(at + 4 * i, true))
    at += 4 * size
    return { scale, bias, centroid, codes, terms, positions }
  })
}
