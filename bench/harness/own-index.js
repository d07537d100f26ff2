// @ts-check
import { join } from 'node:path'
import { readVectors } from '../../build/index.js'
import { openSource } from '../../build/open.js'
import { ENGINES } from '../engines/catalog.js'
import { prepareSet } from './data.js'
import { builtIndex } from './indexes.js'
import { runtimeOf } from './install.js'

/**
 * @typedef {{ rows?: number | undefined, log?: boolean, keep?: boolean }} Wanted - `log`: build with the query log; `keep`: take
 * an index that another build of the library made.
 */

/**
 * The file of our index of a data set, the one of bench:recall, and the queries.
 * @param {string} spec - see `findSource`.
 * @param {Wanted} wanted
 */
export async function ownFile(spec, { rows, log = false, keep = false }) {
  const set = await prepareSet(spec, { rows })
  const name = log ? 'batl-log' : 'batl'
  const engine = ENGINES[name]
  if (engine === undefined) throw new Error(`the catalogue has no ${name}`)
  if (engine.suits?.(set) === false) throw new Error(`${set.name} has no query log; leave --log out`)
  const runtime = await runtimeOf(engine)
  const { folder } = await builtIndex({ name, from: 'own', settings: engine.build(set), set, runtime, keep })
  const { rows: queries } = await readVectors(set.queries)
  return { set, file: join(folder, 'index.batl'), queries: /** @type {Float32Array} */ (queries) }
}

/**
 * The same index open in this process, for benches that look inside.
 * @param {string} spec @param {Wanted} wanted
 */
export async function openOwn(spec, wanted) {
  const { set, file, queries } = await ownFile(spec, wanted)
  const { arena, snapshot } = await openSource(file, {})
  return { set, arena, snapshot, queries }
}

/**
 * Search `count` queries one after the other.
 * @param {import('../../build/search/searcher.js').Searcher} searcher
 * @param {{ queries: Float32Array, count: number, dim: number, k: number }} asked
 * @param {import('../../build/tree/snapshot.js').SearchEffort} effort
 * @returns the time of each, in microseconds.
 */
export function searchTimes(searcher, { queries, count, dim, k }, effort) {
  const ids = new Uint32Array(k)
  const distances = new Float32Array(k)
  return Float64Array.from({ length: count }, (_, i) => {
    const query = queries.subarray(i * dim, (i + 1) * dim)
    const started = performance.now()
    searcher.search(query, k, effort, ids, distances)
    return (performance.now() - started) * 1000
  })
}
