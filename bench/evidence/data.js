// @ts-check
import { exactSearch, readVectors } from '../../build/index.js'
import { readGroundTruth } from '../../build/io/vectors.js'

/** Folder of the real data, as the tests find it. */
const SHARED = process.env['BATL_SHARED'] ?? '../shared'

/** @type {Record<string, { metric: 'l2' | 'ip' | 'cosine', type: string, log: boolean }>} */
export const SETS = {
  'glove-100': { metric: 'cosine', type: 'f16bin', log: false },
  'text-384': { metric: 'cosine', type: 'f16bin', log: false },
  'mips-amazon': { metric: 'ip', type: 'f16bin', log: true },
  'sift-1m': { metric: 'l2', type: 'u8bin', log: true },
}

/** The value of an IEEE half. @param {number} bits */
function half(bits) {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15)
  return bits & 0x8000 ? -size : size
}

/**
 * One data set: rows as they are, queries as numbers, true neighbours.
 * @param {string} name
 * @param {number} [first] only the first rows; their ground truth is computed where none comes with them.
 */
export async function loadSet(name, first) {
  const { metric, type, log } = SETS[name] ?? {}
  if (metric === undefined) throw new Error(`no data set ${name}; there are ${Object.keys(SETS).join(', ')}`)
  const folder = `${SHARED}/data/${name}`
  const base = await readVectors(`${folder}/base.${type}.gz`)
  const asked = await readVectors(`${folder}/query.${type}.gz`)
  const queries = asked.type === 'f16' ? Float32Array.from(asked.rows, half) : Float32Array.from(asked.rows)
  const size = Math.min(first ?? base.size, base.size)
  const rows = base.rows.subarray(0, size * base.dim)
  const shape = { name, metric, dim: base.dim, type: base.type, size, rows, queries, queryCount: asked.size }
  const logPath = log ? `${folder}/learn.${type}.gz` : undefined
  if (size === base.size) {
    const { ids, k } = await readGroundTruth(`${folder}/gt.ibin.gz`)
    return { ...shape, logPath, truth: ids, truthK: k }
  }
  const { ids } = await exactSearch(rows, queries, { dim: base.dim, type: base.type, metric, k: 100 })
  return { ...shape, logPath, truth: ids, truthK: 100 }
}

/** @typedef {Awaited<ReturnType<typeof loadSet>>} DataSet */
