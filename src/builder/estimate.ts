import type { BuildOptions, ResolvedOptions } from '../base/options.js'
import { rowStride } from '../base/matrix.js'
import { planLayout } from '../format/layout.js'
import { sectionBytes } from '../open.js'
import type { IdKind } from '../tree/snapshot.js'
import { storedType } from './intake.js'
import { planIndex, trainingQueries } from './plan.js'

/** UTF-8 bytes of a string id where the ids themselves are not given. */
const STRING_ID_BYTES = 16
/** Bytes of the short list of a row: 32 leaves of 4 bytes and 4 bytes of score; then its leaf, its place and its margin. */
const LIST_BYTES = 32 * 8 + 12
/** Bytes of the neighbours of a row that is searched for, with its place, and of those of a training query, with its leaves. */
const NEIGHBOUR_BYTES = 20 * 4 + 12
const LABEL_BYTES = 20 * 4 + 12 * 8
/** Bytes of orders and copies, of a row. */
const ROW_BYTES = 8
/** Arrays of the size of a level's weights that two trainers hold between them, as measured; and what they take to start. */
const TENSORS = 14
const TRAINERS = 75 << 20
/** What every build takes, as measured: threads and kernels. */
const FIXED_PEAK = 115 << 20

/** Bytes by section of an index that is not built yet, and the peak of the build beside the process itself. */
export function estimateBytes(
  size: number,
  dim: number,
  given: BuildOptions,
  options: ResolvedOptions,
): ReturnType<typeof sectionBytes> & { total: number; buildPeak: number } {
  const idKind = kindOf(given.ids)
  const rowType = storedType({ size, dim, type: given.type ?? 'f32' }, options)
  const plan = planIndex({ size, dim, rowType, idKind }, options)
  const stringBytes = idKind === 'string' ? textBytes(given.ids as readonly string[], size) : 0
  const built = planLayout(plan, stringBytes)
  const drops = plan.trees > 0 && !options.keepsRows
  const layout = drops ? planLayout({ ...plan, rowType: 'none' }, stringBytes) : built
  const work = plan.trees === 0 ? 0 : workBytes(size, dim, rowStride(rowType, dim), plan.shape.leafCount)
  const peak = built.length + (drops ? layout.length : 0) + work
  return { ...sectionBytes(layout), total: layout.length, buildPeak: peak }
}

/**
 * The peak of a build beside the index: rows have lists first, and later neighbours that queries learn from, beside what trains. With
 * the index it is within 9% of the peaks in docs/benchmarks.md, but 32% above that of mips-amazon, whose rows have no copies.
 */
function workBytes(size: number, dim: number, stride: number, leafCount: number): number {
  const learned = Math.min(size, trainingQueries(dim)) * (stride + LABEL_BYTES)
  const trainers = TRAINERS + TENSORS * leafCount * (dim + 1) * 4
  return FIXED_PEAK + size * ROW_BYTES + Math.max(size * LIST_BYTES, size * NEIGHBOUR_BYTES + learned + trainers)
}

function kindOf(ids: BuildOptions['ids']): IdKind {
  if (ids === undefined) return 'row'
  const type = typeof (ids as ArrayLike<unknown>)[0]
  if (type === 'string') return 'string'
  return type === 'bigint' ? 'i64' : 'f64'
}

function textBytes(ids: readonly string[], size: number): number {
  if (ids.length !== size) return size * STRING_ID_BYTES
  const encoder = new TextEncoder()
  return ids.reduce((sum, id) => sum + encoder.encode(id).length, 0)
}
