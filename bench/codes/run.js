// @ts-check
/**
 * What codes lose: the share of the true neighbours that the best rows by code hold, all leaves visited, and what an index
 * without rows answers.
 *
 *   npm run bench:codes -- [--data NAME|DIR|FILE.hdf5,...] [--rows N] [--code-bytes 0,16,...] [--quick]
 *
 * `--code-bytes 0` is the default for the set's rows.
 */
import { parseArgs } from 'node:util'
import { BatlIndex } from '../../build/index.js'
import { loadPrepared, prepareSet } from '../harness/data.js'
import { asText } from '../report/tables.js'

const RERANKS = [10, 50, 100, 200]
const NEIGHBOURS = [1, 10, 100]

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    rows: { type: 'string' },
    'code-bytes': { type: 'string', default: '0' },
    quick: { type: 'boolean', default: false },
  },
})
const { quick } = values
const specs = (values.data ?? (quick ? 'fixture' : 'fixture,text-384,glove-100,sift-1m')).split(',')
const sizes = values['code-bytes'].split(',').map(Number)
const rows = values.rows === undefined ? (quick ? 5000 : undefined) : Number(values.rows)

/** @param {string} spec @param {number} codeBytes */
async function measure(spec, codeBytes) {
  const set = await prepareSet(spec, { rows })
  const { base, queries, truth } = await loadPrepared(set)
  const count = Math.min(set.queryCount, quick ? 50 : 500)
  const asked = queries.subarray(0, count * set.dim)
  const groundTruth = { ids: Uint32Array.from(truth.ids.subarray(0, count * truth.k)), k: truth.k }
  const options = { dim: set.dim, type: base.type, metric: set.metric, ...(codeBytes > 0 ? { codeBytes } : {}) }
  const index = await BatlIndex.build(base.rows, options)
  const { leaves, bytes } = index.stats()
  const held = []
  for (const rerank of RERANKS) {
    const { recall } = await index.evaluate(asked, { k: 10, probes: leaves, rerank, groundTruth })
    held.push(recall.toFixed(4))
  }
  await index.close()
  const bare = await BatlIndex.build(base.rows, { ...options, storage: 'none' })
  const found = []
  for (const k of NEIGHBOURS) {
    const { recall } = await bare.evaluate(asked, { k, recall: 1, groundTruth })
    found.push(recall.toFixed(3))
  }
  const { bytesPerVector } = bare.stats()
  await bare.close()
  const codes = (bytes.codes / set.size).toFixed(0)
  return [set.name, codeBytes > 0 ? String(codeBytes) : 'default', codes, ...held, ...found, bytesPerVector.toFixed(0)]
}

const table = []
for (const spec of specs) for (const codeBytes of sizes) table.push(await measure(spec, codeBytes))
const best = RERANKS.map((rerank) => `of 10 in ${rerank}`)
const bare = NEIGHBOURS.map((k) => `no rows: recall@${k}`)
process.stdout.write(
  asText({ head: ['set', 'bytes a code', 'bytes of codes', ...best, ...bare, 'bytes a vector'], rows: table }),
)
