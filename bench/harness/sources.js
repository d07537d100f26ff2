// @ts-check
/** Where vectors come from: the shared data by name, a mixture, a folder of files that `readVectors` knows, an HDF5 file. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exactSearch, readVectors } from '../../build/index.js'
import { fromHalf } from '../../build/base/half.js'
import { readGroundTruth } from '../../build/io/vectors.js'
import { SETS } from '../evidence/data.js'
import { mixture } from './mixture.js'

/** @typedef {import('../../build/index.js').Metric} Metric */
/** @typedef {Awaited<ReturnType<typeof readVectors>>} Vectors */
/**
 * Rows, queries, and what is known about them. `truth` is the truth over all rows.
 * @typedef {{ name: string, metric: Metric, base: Vectors, queries: Float32Array, queryCount: number, log?: string,
 *   truth?: { ids: Uint32Array, k: number } }} Source
 */

/** True neighbours kept of each query. */
export const TRUTH_K = 100

/** Rows and queries of a mixture. */
const MIXED = { rows: 50_000, queries: 2000 }

const SHARED = process.env['BATL_SHARED'] ?? fileURLToPath(new URL('../../../shared', import.meta.url))
const FIXTURES = fileURLToPath(new URL('../../test/fixtures', import.meta.url))

/** What each name stands for; `fixture` comes with the clone. @type {Record<string, { folder: string, metric: Metric }>} */
const NAMED = {
  fixture: { folder: FIXTURES, metric: 'cosine' },
  ...Object.fromEntries(
    Object.entries(SETS).map(([name, { metric }]) => [name, { folder: join(SHARED, 'data', name), metric }]),
  ),
}

/**
 * A short name of a set, the files that it depends on, and how to read it.
 * @param {string} spec - a name, `mixture-DIM`, a folder, or an .hdf5 file.
 * @param {Metric | undefined} metric - for a folder, default l2, or a mixture, default cosine.
 */
export function findSource(spec, metric) {
  const named = NAMED[spec]
  if (named !== undefined) {
    if (!existsSync(named.folder)) {
      throw new Error(`${spec} is not in ${named.folder}; set BATL_SHARED to the folder that holds data/${spec}`)
    }
    return { name: spec, stamp: '', read: () => readFolder(spec, named.folder, named.metric) }
  }
  const dim = Number(/^mixture-([1-9]\d*)$/.exec(spec)?.[1])
  if (dim > 0) return { name: spec, stamp: metric ?? '', read: async () => readMixture(spec, dim, metric ?? 'cosine') }
  if (!existsSync(spec)) {
    const names = [...Object.keys(NAMED), 'mixture-DIM'].join(', ')
    throw new Error(`--data ${spec} is neither one of ${names} nor a folder or .hdf5 file that exists`)
  }
  const path = resolve(spec)
  const stamp = `${path} ${statSync(path).mtimeMs} ${metric ?? ''}`
  if (statSync(path).isDirectory()) {
    return { name: basename(path), stamp, read: () => readFolder(basename(path), path, metric ?? 'l2') }
  }
  const name = basename(path).replace(/\.(hdf5|h5)$/, '')
  return { name, stamp, read: () => readHdf5(name, path, metric) }
}

/**
 * Seeded vectors near a space of few dimensions.
 * @param {string} name @param {number} dim @param {Metric} metric
 * @returns {Source}
 */
function readMixture(name, dim, metric) {
  const { rows: size, queries: queryCount } = MIXED
  return {
    name,
    metric,
    base: { rows: mixture({ size, dim }), type: /** @type {const} */ ('f32'), dim, size },
    queries: mixture({ size: queryCount, dim, stream: 1 }),
    queryCount,
  }
}

/**
 * A folder: files whose names contain `base` and `query`; `learn` (a log of queries) and `gt` (.ibin) where they exist.
 * @param {string} name @param {string} folder @param {Metric} metric
 * @returns {Promise<Source>}
 */
async function readFolder(name, folder, metric) {
  const files = readdirSync(folder).filter((file) => /bin(\.gz)?$|vecs(\.gz)?$|\.npy(\.gz)?$/.test(file))
  const find = (/** @type {RegExp} */ part) => files.find((file) => part.test(file))
  const [base, query] = [find(/(^|-)base\./), find(/(^|-)query\./)]
  if (base === undefined || query === undefined) {
    throw new Error(`${folder} has the vector files ${files.join(', ') || 'none'}; base.* and query.* are expected`)
  }
  const [log, gt] = [find(/(^|-)learn\./), find(/(^|-)gt\.ibin/)]
  const asked = await readVectors(join(folder, query))
  return {
    name,
    metric,
    base: await readVectors(join(folder, base)),
    queries: floats(asked.rows, asked.type),
    queryCount: asked.size,
    ...(log === undefined ? {} : { log: join(folder, log) }),
    ...(gt === undefined ? {} : { truth: await readGroundTruth(join(folder, gt)) }),
  }
}

/**
 * A file in the layout of ann-benchmarks: `train`, `test`, `neighbors`, and the attribute `distance`.
 * @param {string} name @param {string} path @param {Metric | undefined} metric
 * @returns {Promise<Source>}
 */
async function readHdf5(name, path, metric) {
  const { default: h5wasm } = await import('h5wasm/node')
  await h5wasm.ready
  const file = new h5wasm.File(path, 'r')
  try {
    const distance = String(file.attrs['distance']?.value ?? '')
    const known = /** @type {Record<string, Metric>} */ ({
      angular: 'cosine',
      cosine: 'cosine',
      euclidean: 'l2',
      dot: 'ip',
      ip: 'ip',
    })[distance]
    const used = metric ?? known
    if (used === undefined)
      throw new Error(`${path}: distance '${distance}' is not known; give --metric l2, ip or cosine`)
    const matrix = (/** @type {string} */ dataset) => {
      const found = /** @type {import('h5wasm/node').Dataset | null} */ (file.get(dataset))
      const [size = 0, dim = 0] = found?.shape ?? []
      if (found === null || dim === 0) throw new Error(`${path} has no dataset '${dataset}' with two axes`)
      return { values: /** @type {ArrayLike<number | bigint>} */ (found.value), size, dim }
    }
    const [train, test, neighbors] = ['train', 'test', 'neighbors'].map(matrix)
    if (train === undefined || test === undefined || neighbors === undefined) throw new Error(`${path}: unreadable`)
    return {
      name,
      metric: used,
      base: { rows: Float32Array.from(train.values, Number), type: 'f32', dim: train.dim, size: train.size },
      queries: Float32Array.from(test.values, Number),
      queryCount: test.size,
      truth: { ids: Uint32Array.from(neighbors.values, Number), k: neighbors.dim },
    }
  } finally {
    file.close()
  }
}

/** @type {Float32Array | undefined} */
let halves
/**
 * Values of any row type as floats.
 * @param {Vectors['rows']} rows @param {Vectors['type']} type
 */
export function floats(rows, type) {
  if (type !== 'f16') return Float32Array.from(rows)
  const table = (halves ??= Float32Array.from({ length: 65_536 }, (_, bits) => fromHalf(bits)))
  return Float32Array.from(rows, (bits) => table[bits] ?? 0)
}

/**
 * The exact neighbours of each query.
 * @param {Vectors} base @param {Float32Array} queries @param {Metric} metric
 */
export async function computeTruth({ rows, type, dim, size }, queries, metric) {
  const k = Math.min(TRUTH_K, size)
  const { ids } = await exactSearch(rows, queries, { dim, type, metric, k })
  return { ids, k }
}
