// @ts-check
/** Data sets as files that every engine can read, kept in bench/.cache/data. */
import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readVectors } from '../../build/index.js'
import { readGroundTruth } from '../../build/io/vectors.js'
import { computeTruth, findSource, floats } from './sources.js'

/** Everything that the benches download, build and keep. */
export const CACHE = process.env['BATL_BENCH_CACHE'] ?? fileURLToPath(new URL('../.cache', import.meta.url))

const SUFFIX = { f32: 'fbin', f16: 'f16bin', u8: 'u8bin', i8: 'i8bin' }
/** Rows turned to floats at a time. */
const BLOCK = 65_536

/**
 * A data set on disk. `rows`: as they came, for engines that take them so; `floats`: f32, of unit length under cosine;
 * `queries`: f32, of unit length under cosine; `log`: a log of queries, where there is one.
 * @typedef {{ name: string, id: string, metric: import('../../build/index.js').Metric, type: 'f32' | 'f16' | 'u8' | 'i8',
 *   dim: number, size: number, queryCount: number, rows: string, floats: string, queries: string, truth: string,
 *   log?: string }} PreparedSet
 */

/**
 * Write what the engines need, once.
 * @param {string} spec - see `findSource`.
 * @param {{ rows?: number | undefined, metric?: import('../../build/index.js').Metric | undefined }} [wanted] - `rows`:
 * only the first.
 * @returns {Promise<PreparedSet>}
 */
export async function prepareSet(spec, { rows: first, metric } = {}) {
  const { name, stamp, read } = findSource(spec, metric)
  const hash = stamp === '' ? '' : `-${createHash('sha256').update(stamp).digest('hex').slice(0, 8)}`
  const folder = join(CACHE, 'data', `${name}${hash}-${first ?? 'all'}`)
  const done = join(folder, 'set.json')
  if (existsSync(done)) return JSON.parse(readFileSync(done, 'utf8'))
  mkdirSync(folder, { recursive: true })
  const source = await read()
  const { dim, type } = source.base
  const size = Math.min(first ?? source.base.size, source.base.size)
  const base = { ...source.base, rows: source.base.rows.subarray(0, size * dim), size }
  const truth =
    size === source.base.size && source.truth !== undefined
      ? source.truth
      : await computeTruth(base, source.queries, source.metric)
  const unit = source.metric === 'cosine'
  const path = (/** @type {string} */ file) => join(folder, file)
  const files = {
    rows: path(`rows.${SUFFIX[type]}`),
    floats: path('floats.fbin'),
    queries: path('queries.fbin'),
    truth: path('gt.ibin'),
  }
  writeBlocks(files.rows, [size, dim], [bytesOf(base.rows)])
  writeBlocks(files.floats, [size, dim], floatBlocks(base, unit))
  const asked = { ...base, rows: source.queries, type: /** @type {const} */ ('f32'), size: source.queryCount }
  writeBlocks(files.queries, [asked.size, dim], floatBlocks(asked, unit))
  // The second half of an .ibin file, distances, is the judge's to compute.
  const distances = new Uint8Array(truth.ids.length * 4)
  writeBlocks(files.truth, [source.queryCount, truth.k], [bytesOf(truth.ids), distances])
  /** @type {PreparedSet} */
  const set = {
    name: first === undefined ? name : `${name}, first ${size.toLocaleString('en')}`,
    id: `${name}${hash}-${first ?? 'all'}`,
    metric: source.metric,
    type,
    dim,
    size,
    queryCount: source.queryCount,
    ...files,
    ...(source.log === undefined ? {} : { log: source.log }),
  }
  writeFileSync(done, JSON.stringify(set))
  return set
}

/** @param {ArrayBufferView} values */
function bytesOf(values) {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** @param {string} path @param {[number, number]} shape @param {Iterable<Uint8Array>} blocks */
function writeBlocks(path, shape, blocks) {
  const file = openSync(path, 'w')
  try {
    writeSync(file, bytesOf(Uint32Array.from(shape)))
    for (const block of blocks) {
      for (let at = 0; at < block.length;) at += writeSync(file, block, at, Math.min(1 << 28, block.length - at))
    }
  } finally {
    closeSync(file)
  }
}

/**
 * Rows as f32, of unit length where asked for.
 * @param {import('./sources.js').Vectors} base @param {boolean} unit
 */
function* floatBlocks({ rows, type, dim }, unit) {
  for (let at = 0; at < rows.length; at += BLOCK * dim) {
    const block = floats(rows.subarray(at, at + BLOCK * dim), type)
    if (unit) for (let i = 0; i < block.length; i += dim) normalise(block.subarray(i, i + dim))
    yield bytesOf(block)
  }
}

/** @param {Float32Array} row */
function normalise(row) {
  const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0))
  if (length > 0) for (let i = 0; i < row.length; i++) row[i] = (row[i] ?? 0) / length
}

/**
 * A prepared set in memory, for the judge.
 * @param {PreparedSet} set
 */
export async function loadPrepared(set) {
  const base = await readVectors(set.rows)
  const asked = await readVectors(set.queries)
  const { ids, k } = await readGroundTruth(set.truth)
  return { base, queries: /** @type {Float32Array} */ (asked.rows), truth: { ids, k } }
}
