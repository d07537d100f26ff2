import { readdirSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BatlError, BatlIndex, IdArray, RowType, SearchOptions } from '../../build/index.js'
import { toHalf } from '../../build/base/convert.js'
import { Rng } from '../../build/base/rng.js'

/** Rows of one of the four types, as a caller gives them. */
export type TypedRows = Float32Array | Uint16Array | Uint8Array | Int8Array

/** Values as rows of a type: rounded to f16, or to whole numbers in range. */
export function asType(values: ArrayLike<number>, type: RowType): TypedRows {
  if (type === 'f32') return Float32Array.from(values)
  if (type === 'f16') return Uint16Array.from(values, toHalf)
  return type === 'u8'
    ? Uint8Array.from(values, (value) => Math.max(0, Math.min(255, Math.round(value))))
    : Int8Array.from(values, (value) => Math.max(-128, Math.min(127, Math.round(value))))
}

/** Seeded rows [count * dim] around some centres, of the size of bytes; u8 ones are moved to be positive. */
export function clusteredRows(count: number, dim: number, type: RowType = 'f32', seed = 1): TypedRows {
  const rng = new Rng(seed, 77)
  const centres = Float32Array.from({ length: 24 * dim }, () => rng.normal() * 30)
  const values = new Float32Array(count * dim)
  for (let row = 0; row < count; row++) {
    const centre = rng.below(24) * dim
    for (let j = 0; j < dim; j++) values[row * dim + j] = centres[centre + j]! + rng.normal() * 12
  }
  return asType(type === 'u8' ? values.map((value) => value + 100) : values, type)
}

/** Answers of queries asked one after the other: ids and distances of all, one after the other. */
export function searchEach(
  index: BatlIndex<IdArray>,
  queries: TypedRows,
  options: SearchOptions,
): { ids: unknown[]; distances: number[] } {
  const answers = { ids: [] as unknown[], distances: [] as number[] }
  for (let at = 0; at < queries.length; at += index.dim) {
    const { ids, distances } = index.search(queries.subarray(at, at + index.dim), options)
    answers.ids.push(...ids)
    answers.distances.push(...distances)
  }
  return answers
}

/** Whether two arrays hold the same bytes: a comparison by the test runner takes seconds for a megabyte. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** What an action throws or rejects with; fails when it does neither. */
export async function failure(action: () => unknown): Promise<BatlError> {
  try {
    await action()
  } catch (error) {
    return error as BatlError
  }
  throw new Error('it neither threw nor rejected')
}

// Node's threads for files start with their first use and stay: they run before anyone counts.
await stat('.')

/** Threads of this process. */
export function threadCount(): number {
  return readdirSync('/proc/self/task').length
}

/** Wait until a condition holds, at most `limitMs`; says whether it came to hold. */
export async function settles(condition: () => boolean, limitMs = 5000): Promise<boolean> {
  const end = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > end) return false
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return true
}

/** A folder for one test file, and how to remove it. */
export async function temporaryFolder(): Promise<{ path: (name: string) => string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'batl-api-'))
  return { path: (name) => join(folder, name), remove: () => rm(folder, { recursive: true, force: true }) }
}
