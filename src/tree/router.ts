import type { Router } from '../base/options.js'
import type { TreeShape } from './shape.js'

/** One table of a router: f32, row-major, `rows * cols` values. */
export interface Tensor {
  readonly name: string
  readonly rows: number
  readonly cols: number
}

/** Components of a routing query are padded with zeros to a multiple of four floats. */
export function padded(dim: number): number {
  return (dim + 3) & ~3
}

/** Sizes of the `residual` encoder's hidden layer and of the published network (paper, section 4.1). */
export const RESIDUAL_HIDDEN = 64
export const SEQ2SEQ = { hidden: 1024, width: 256, heads: 8, feedForward: 1024 } as const

/**
 * The tables of a router, in the order in which they are stored, scored and exported. `P` is `padded(dim)`.
 *
 * `linear`: score of node n of level h = `level h` row n . q + `bias h` [n].
 * `residual`: the same of z = q + `encoder out` . relu(`encoder in` . q + `encoder in bias`) + `encoder out bias`.
 * `seq2seq`: one logit per child of a prefix p (an inner node; root first, then level by level):
 *   e = `encoder out` . relu(`encoder in` . q + `encoder in bias`) + `encoder out bias`
 *   z = norm1(`prefix` row p + `cross` . e + `cross bias`)
 *   f = norm2(z + `ffn out` . relu(`ffn in` . z + `ffn in bias`) + `ffn out bias`)
 *   logits = `head` . f + `head bias`, the first arity(h) of them
 * where norm(x) = (x - mean) / sqrt(variance + 1e-5) * gain + shift, rows `[gain; shift]` of `norm1` and `norm2`.
 * A path's score is the sum of its log-softmax logits.
 */
export function routerTensors(kind: Router, shape: TreeShape, dim: number): Tensor[] {
  const width = padded(dim)
  const matrix = (name: string, rows: number, cols: number): Tensor => ({ name, rows, cols })
  const affine = (name: string, rows: number, cols: number): Tensor[] => [
    matrix(name, rows, cols),
    matrix(`${name} bias`, 1, rows),
  ]
  if (kind === 'seq2seq') {
    const { hidden, width: d, feedForward } = SEQ2SEQ
    const prefixes = 1 + shape.nodeCounts.slice(0, -1).reduce((sum, nodes) => sum + nodes, 0)
    return [
      ...affine('encoder in', hidden, width),
      ...affine('encoder out', d, hidden),
      ...affine('cross', d, d),
      matrix('prefix', prefixes, d),
      matrix('norm1', 2, d),
      ...affine('ffn in', feedForward, d),
      ...affine('ffn out', d, feedForward),
      matrix('norm2', 2, d),
      ...affine('head', Math.max(...shape.arities), d),
    ]
  }
  const levels = shape.nodeCounts.flatMap((nodes, level) => [
    matrix(`level ${level}`, nodes, width),
    matrix(`bias ${level}`, 1, nodes),
  ])
  if (kind === 'linear') return levels
  return [...affine('encoder in', RESIDUAL_HIDDEN, width), ...affine('encoder out', width, RESIDUAL_HIDDEN), ...levels]
}

/** Floats that all tables of a router take, each table padded to 16 floats (64 bytes). */
export function routerFloats(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, { rows, cols }) => sum + tableFloats(rows, cols), 0)
}

/** Floats of one table with its padding. */
export function tableFloats(rows: number, cols: number): number {
  return (rows * cols + 15) & ~15
}

/** Views of each table within one array that holds all of them in `routerTensors` order. */
export function routerViews(tensors: readonly Tensor[], data: Float32Array): Map<string, Float32Array> {
  const views = new Map<string, Float32Array>()
  let offset = 0
  for (const { name, rows, cols } of tensors) {
    views.set(name, data.subarray(offset, offset + rows * cols))
    offset += tableFloats(rows, cols)
  }
  return views
}

/** One table of a router as an index stores it: rows of 8-bit steps, each with a scale of its own, or floats. */
export interface StoredTensor extends Tensor {
  readonly type: 'f32' | 'i8'
}

/** Components of an 8-bit row are padded with zeros to a whole vector of 16 bytes. */
export function paddedBytes(dim: number): number {
  return (dim + 15) & ~15
}

/**
 * The tables of a router in the order and form in which an index stores them: as `routerTensors`, but the rows of the nodes
 * are 8-bit steps (`level h`) of `scale h`, which loses nothing that search would notice (docs/codes.md).
 */
export function storedTensors(kind: Router, shape: TreeShape, dim: number): StoredTensor[] {
  const tensors = routerTensors(kind, shape, dim).map((tensor): StoredTensor => ({ ...tensor, type: 'f32' }))
  if (kind === 'seq2seq') return tensors
  return tensors.flatMap((tensor) => {
    if (!tensor.name.startsWith('level ')) return [tensor]
    const scale = tensor.name.replace('level', 'scale')
    return [
      { ...tensor, cols: paddedBytes(dim), type: 'i8' },
      { name: scale, rows: 1, cols: tensor.rows, type: 'f32' },
    ]
  })
}

/** Bytes of one stored table with its padding to 64. */
export function storedTableBytes({ rows, cols, type }: StoredTensor): number {
  return Math.ceil((rows * cols * (type === 'f32' ? 4 : 1)) / 64) * 64
}

/** Bytes that all stored tables of a router take. */
export function storedBytes(tensors: readonly StoredTensor[]): number {
  return tensors.reduce((sum, tensor) => sum + storedTableBytes(tensor), 0)
}

/** The largest component of a query in whole numbers beside rows of 8-bit steps: 8,192 products add up exactly. */
export const QUERY_STEPS = 2047

/** A vector in 8-bit steps of the scale that is returned; 0 for a zero vector. */
export function toSteps(values: Float32Array, out: Int8Array): number {
  // Plain loops: an index is opened by code that runs once, where iterators and callbacks leave megabytes behind.
  let most = 0
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!))
  const scale = Math.fround(most / 127)
  // Of a zero vector each step is NaN, which is stored as 0.
  for (let i = 0; i < values.length; i++) out[i] = Math.round(values[i]! / scale)
  return scale
}

/** Write the stored form of trained tables into `out`, `storedBytes` zeroed bytes of it. */
export function packRouter(kind: Router, shape: TreeShape, dim: number, tables: Float32Array, out: Uint8Array): void {
  const trained = routerViews(routerTensors(kind, shape, dim), tables)
  const width = padded(dim)
  let at = out.byteOffset
  const scales = new Map<string, Float32Array>()
  for (const tensor of storedTensors(kind, shape, dim)) {
    const { name, rows, cols, type } = tensor
    const source = trained.get(name) ?? scales.get(name)!
    if (type === 'f32') new Float32Array(out.buffer, at, rows * cols).set(source)
    else {
      const steps = new Int8Array(out.buffer, at, rows * cols)
      const scale = new Float32Array(rows)
      for (let row = 0; row < rows; row++) {
        const values = source.subarray(row * width, row * width + dim)
        scale[row] = toSteps(values, steps.subarray(row * cols, (row + 1) * cols))
      }
      scales.set(name.replace('level', 'scale'), scale)
    }
    at += storedTableBytes(tensor)
  }
}
