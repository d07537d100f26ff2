// @ts-check
import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { serve } from './serve.js'

const { HierarchicalNSW } = createRequire(join(process.env['PEER_FOLDER'] ?? '', 'package.json'))('hnswlib-node')
const SPACES = /** @type {Record<string, string>} */ ({ l2: 'l2', ip: 'ip', cosine: 'cosine' })

/** @type {any} */
let index

await serve({
  async build({ set, settings, folder }) {
    const bytes = readFileSync(set.floats)
    const rows = new Float32Array(bytes.buffer, bytes.byteOffset + 8, set.size * set.dim)
    index = new HierarchicalNSW(SPACES[set.metric], set.dim)
    index.initIndex({ maxElements: set.size, ...settings })
    for (let i = 0; i < set.size; i++) index.addPoint(Array.from(rows.subarray(i * set.dim, (i + 1) * set.dim)), i)
    const file = join(folder, 'index.hnsw')
    index.writeIndexSync(file)
    return { fileBytes: statSync(file).size }
  },
  async open({ set, folder }) {
    index = new HierarchicalNSW(SPACES[set.metric], set.dim)
    index.readIndexSync(join(folder, 'index.hnsw'))
  },
  prepare: ({ ef }) => index.setEf(ef),
  // It takes arrays of numbers only; making them is not on the clock.
  queries: (rows) => rows.map((row) => Array.from(row)),
  search: (query, k) => index.searchKnn(query, k).neighbors,
})
