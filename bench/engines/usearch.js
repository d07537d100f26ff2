// @ts-check
import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { serve } from './serve.js'

const usearch = createRequire(join(process.env['PEER_FOLDER'] ?? '', 'package.json'))('usearch')
const METRICS = /** @type {Record<string, string>} */ ({ l2: 'l2sq', ip: 'ip', cosine: 'cos' })

/** @type {any} */
let index
/** @type {any} */
let opened

/** @param {any} set @param {object} settings */
function create({ metric, dim }, settings) {
  return new usearch.Index({ metric: METRICS[metric], dimensions: dim, ...settings })
}

await serve({
  async build({ set, settings, threads, folder }) {
    const bytes = readFileSync(set.floats)
    const rows = new Float32Array(bytes.buffer, bytes.byteOffset + 8, set.size * set.dim)
    index = create(set, settings)
    index.add(
      BigUint64Array.from({ length: set.size }, (_, i) => BigInt(i)),
      rows,
      threads,
    )
    const file = join(folder, 'index.usearch')
    index.save(file)
    return { fileBytes: statSync(file).size }
  },
  async open(job) {
    opened = job
    index = create(job.set, job.settings)
    index.load(join(job.folder, 'index.usearch'))
  },
  // The only way to set the effort of a search is to open the file again.
  prepare({ expansion_search }) {
    index = create(opened.set, { ...opened.settings, expansion_search })
    index.load(join(opened.folder, 'index.usearch'))
  },
  search: (query, k) => index.search(query, k, 1).keys,
  batch: (queries, k, threads) => index.search(queries, k, threads).keys,
})
