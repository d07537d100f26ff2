// @ts-check
/**
 * What a query takes in a batch: `search` one call after the other, and `searchBatch` on some numbers of threads, in turns.
 *
 *   npm run bench:batch -- [--data NAME|DIR|FILE.hdf5,...] [--rows N] [--queries N] [--recall 0.95] [--threads 1,2] [--passes N]
 *                          [--log] [--keep-indexes] [--quick]
 *
 * The indexes are those of bench:recall; all is measured in one process.
 */
import { parseArgs } from 'node:util'
import { BatlIndex } from '../../build/index.js'
import { ownFile } from '../harness/own-index.js'
import { median } from '../harness/statistics.js'
import { asText } from '../report/tables.js'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    rows: { type: 'string' },
    queries: { type: 'string' },
    recall: { type: 'string', default: '0.95' },
    threads: { type: 'string', default: '1,2' },
    passes: { type: 'string' },
    log: { type: 'boolean', default: false },
    'keep-indexes': { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
})
const { quick } = values
const rows = values.rows === undefined ? (quick ? 5000 : undefined) : Number(values.rows)
const passes = Number(values.passes ?? (quick ? 3 : 11))
/** Passes that do not count. */
const WARM_UP = 2

/** @param {string} spec */
async function compare(spec) {
  const { set, file, queries } = await ownFile(spec, { rows, log: values.log, keep: values['keep-indexes'] })
  const { dim } = set
  const count = Math.min(set.queryCount, values.queries === undefined ? set.queryCount : Number(values.queries))
  const matrix = queries.subarray(0, count * dim)
  const index = await BatlIndex.open(file)
  const options = { recall: Number(values.recall) }
  /** @type {Record<string, () => unknown>} */
  const ways = {
    'search, one call after the other': () => {
      for (let at = 0; at < matrix.length; at += dim) index.search(matrix.subarray(at, at + dim), options)
    },
    ...Object.fromEntries(
      values.threads
        .split(',')
        .map((threads) => [
          `searchBatch, threads: ${threads}`,
          () => index.searchBatch(matrix, { ...options, threads: Number(threads) }),
        ]),
    ),
  }
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  for (let pass = -WARM_UP; pass < passes; pass++) {
    for (const [name, way] of Object.entries(ways)) {
      const started = performance.now()
      await way()
      if (pass >= 0) times[name]?.push(((performance.now() - started) * 1000) / count)
    }
  }
  await index.close()
  const [alone = NaN] = Object.values(times).map(median)
  const lines = Object.entries(times).map(([name, all]) => [
    name,
    median(all).toFixed(1),
    (alone / median(all)).toFixed(2),
  ])
  process.stdout.write(`\n${set.name}: ${count} queries, recall ${values.recall}, medians of ${passes} passes\n`)
  process.stdout.write(asText({ head: ['way', 'us a query', 'times as fast'], rows: lines }))
}

for (const spec of (values.data ?? (quick ? 'fixture' : 'sift-1m,glove-100,text-384,mips-amazon')).split(',')) {
  await compare(spec)
}
