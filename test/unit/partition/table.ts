import { toHalf } from '../../../build/base/convert.js'
import { rowStride, stepAt, type KeptType } from '../../../build/base/matrix.js'
import type { Metric } from '../../../build/base/options.js'
import { Rng } from '../../../build/base/rng.js'
import { loadBuildKernels } from '../../../build/kernels/load-build.js'
import { Arena } from '../../../build/kernels/memory.js'
import type { PointTable } from '../../../build/partition/points.js'
import { packSteps } from '../../reference/steps.js'

// Tables are what builds work on.
await loadBuildKernels()

let lastKey = 1000

/**
 * Random rows of a type in an arena of their own, and their values: of unit length under cosine. Halves apart from whole
 * numbers where the type holds them.
 */
export function makeTable(
  rowType: KeptType,
  metric: Metric,
  size: number,
  dim: number,
): { table: PointTable; values: Float32Array } {
  const owner = Arena.create()
  const stride = rowStride(rowType, dim)
  const rows = owner.allocate(size * stride)
  const scales = metric === 'cosine' ? owner.allocate(size * 4) : 0
  const rng = new Rng(3)
  const low = rowType === 'u8' ? 0 : -100
  const half = rowType === 'f32' || rowType === 'f16' ? 0.5 : 0
  const values = Float32Array.from({ length: size * dim }, () => rng.below(200) + low + half)
  const view = new DataView(owner.memory.buffer)
  if (rowType === 'i10') {
    const bytes = owner.u8(rows, size * stride)
    for (let row = 0; row < size; row++) {
      const own = values.subarray(row * dim, (row + 1) * dim)
      packSteps(own, bytes.subarray(row * stride, (row + 1) * stride))
      own.forEach((_, d) => (own[d] = stepAt(bytes, row * stride, d)))
    }
  }
  values.forEach((value, i) => {
    const at = rows + Math.floor(i / dim) * stride
    if (rowType === 'f32') view.setFloat32(at + (i % dim) * 4, value, true)
    else if (rowType === 'f16') view.setUint16(at + (i % dim) * 2, toHalf(value), true)
    else if (rowType === 'u8') view.setUint8(at + (i % dim), value)
    else if (rowType === 'i8') view.setInt8(at + (i % dim), value)
  })
  if (scales !== 0) {
    const out = owner.f32(scales, size)
    for (let row = 0; row < size; row++) {
      out[row] = 1 / Math.hypot(...values.subarray(row * dim, (row + 1) * dim))
      for (let d = 0; d < dim; d++) values[row * dim + d]! *= out[row]!
    }
  }
  const table = { memory: owner.memory, key: ++lastKey, rows, scales, size, dim, metric, rowType } as const
  return { table, values }
}

/** Positions of the k rows nearest to a query by a metric, without `self`. */
export function bruteForce(
  { metric, dim, size }: PointTable,
  values: Float32Array,
  query: ArrayLike<number>,
  k: number,
  self = -1,
): { position: number; distance: number }[] {
  return Array.from({ length: size }, (_, position) => {
    let sum = 0
    for (let d = 0; d < dim; d++) {
      const value = values[position * dim + d]!
      sum += metric === 'l2' ? (value - query[d]!) ** 2 : -value * query[d]!
    }
    return { position, distance: sum }
  })
    .filter(({ position }) => position !== self)
    .sort((a, b) => a.distance - b.distance || a.position - b.position)
    .slice(0, k)
}
