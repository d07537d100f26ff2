import type { BuildOptions, ResolvedOptions } from '../base/options.js'
import { planLayout } from '../format/layout.js'
import { sectionBytes } from '../open.js'
import type { IdKind } from '../tree/snapshot.js'
import { storedType } from './intake.js'
import { planIndex } from './plan.js'

/** UTF-8 bytes of a string id where the ids themselves are not given. */
const STRING_ID_BYTES = 16
/** Bytes of the short list of a row: 32 leaves of 4 bytes and 4 bytes of score. */
const LIST_BYTES = 32 * 8
/** What every build takes: threads, kernels and TensorFlow.js. */
const FIXED_PEAK = 250 << 20

/** Bytes by section of an index that is not built yet, and the peak of the build beside the process itself. */
export function estimateBytes(
  size: number,
  dim: number,
  given: BuildOptions,
  options: ResolvedOptions,
): ReturnType<typeof sectionBytes> & { total: number; buildPeak: number } {
  const idKind = kindOf(given.ids)
  const plan = planIndex(
    { size, dim, rowType: storedType({ size, dim, type: given.type ?? 'f32' }, options), idKind },
    options,
  )
  const stringBytes = idKind === 'string' ? textBytes(given.ids as readonly string[], size) : 0
  const built = planLayout(plan, stringBytes)
  const drops = plan.trees > 0 && !options.keepsRows
  const layout = drops ? planLayout({ ...plan, rowType: 'none' }, stringBytes) : built
  const work = plan.trees === 0 ? 0 : FIXED_PEAK + size * LIST_BYTES * options.copies
  const peak = built.length + (drops ? layout.length : 0) + work
  return { ...sectionBytes(layout), total: layout.length, buildPeak: peak }
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
