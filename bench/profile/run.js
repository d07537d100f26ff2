// @ts-check
/**
 * Where the time of a query goes: every kernel with a clock around it, at the setting that a recall picks.
 *
 *   npm run bench:profile -- [--data NAME|DIR|FILE.hdf5,...] [--rows N] [--recall 0.95] [--log] [--keep-indexes] [--quick]
 *
 * The indexes are those of bench:recall. Before the kernels are timed, all queries are asked many times, which tells queries that
 * take long from others' work on the machine. The clock itself adds some tenths of a microsecond to each kernel.
 */
import { parseArgs } from 'node:util'
import { climb } from '../../build/eval/ladder.js'
import { quantile } from '../../build/search/evaluate.js'
import { Searcher } from '../../build/search/searcher.js'
import { openOwn, searchTimes } from '../harness/own-index.js'
import { median } from '../harness/statistics.js'
import { asText } from '../report/tables.js'

const K = 10
/** Searches over all queries before any counts. */
const WARM_UP = 2
/** Searches over all queries whose times are compared query by query. */
const PASSES = 21

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    rows: { type: 'string' },
    recall: { type: 'string', default: '0.95' },
    log: { type: 'boolean', default: false },
    'keep-indexes': { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
})
const { quick } = values
const rows = values.rows === undefined ? (quick ? 5000 : undefined) : Number(values.rows)

/**
 * An arena whose kernels are timed, and the microseconds that each took.
 * @param {import('../../build/kernels/memory.js').Arena} arena
 */
function timedArena(arena) {
  /** @type {Record<string, number>} */
  const spent = {}
  const kernels = Object.fromEntries(
    Object.entries(arena.kernels).map(([name, kernel]) => [
      name,
      (/** @type {number[]} */ ...args) => {
        const started = performance.now()
        const result = /** @type {(...args: number[]) => number} */ (kernel)(...args)
        spent[name] = (spent[name] ?? 0) + (performance.now() - started) * 1000
        return result
      },
    ]),
  )
  const timed = new Proxy(arena, {
    get(target, name) {
      if (name === 'kernels') return kernels
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { arena: timed, spent }
}

/**
 * What an average query looks at.
 * @param {Searcher} searcher
 * @param {{ queries: Float32Array, count: number, dim: number, k: number }} asked
 * @param {import('../../build/tree/snapshot.js').SearchEffort} effort
 */
function meanWork(searcher, { queries, count, dim, k }, effort) {
  const work = { codes: 0, nodes: 0, rows: 0 }
  for (let i = 0; i < count; i++) {
    searchTimes(searcher, { queries: queries.subarray(i * dim, (i + 1) * dim), count: 1, dim, k }, effort)
    work.codes += searcher.candidates
    work.nodes += searcher.nodesScored
    work.rows += searcher.reranked
  }
  const mean = (/** @type {number} */ sum) => Math.round(sum / count)
  return { codes: mean(work.codes), nodes: mean(work.nodes), rows: mean(work.rows) }
}

/** How far the slow end is from the middle. @param {Iterable<number>} times */
function tail(times) {
  const sorted = Float64Array.from(times).sort()
  return quantile(sorted, 0.99) / quantile(sorted, 0.5)
}

/** @param {string} spec */
async function profile(spec) {
  const { set, arena, snapshot, queries } = await openOwn(spec, { rows, log: values.log, keep: values['keep-indexes'] })
  const asked = { queries, count: Math.min(quick ? 100 : 2000, set.queryCount), dim: set.dim, k: K }
  const rung = climb(snapshot.rungs, Number(values.recall), K)
  const plain = new Searcher(arena, snapshot)
  for (let i = 0; i < WARM_UP; i++) searchTimes(plain, asked, rung)
  const passes = Array.from({ length: quick ? 3 : PASSES }, () => searchTimes(plain, asked, rung))
  // What others do on the machine hits a query in a few passes; what takes the query long does so in all of them.
  const own = Array.from({ length: asked.count }, (_, i) => median(passes.map((times) => times[i] ?? 0)))
  const work = meanWork(plain, asked, rung)
  plain.close()
  const timed = timedArena(arena)
  const searcher = new Searcher(timed.arena, snapshot)
  searchTimes(searcher, asked, rung)
  for (const name of Object.keys(timed.spent)) timed.spent[name] = 0
  searchTimes(searcher, asked, rung)
  searcher.close()
  const cells = Object.entries(timed.spent)
    .filter(([, spent]) => spent > 0)
    .sort((a, b) => b[1] - a[1])
    .map(([name, spent]) => [name, (spent / asked.count).toFixed(2)])
  process.stdout.write(
    `\n${set.name}, recall ${values.recall}: probes ${rung.probes}, beam ${rung.beamWidth}, rerank ${rung.rerank}; ` +
      `an average query scans ${work.codes} codes, scores ${work.nodes} nodes, compares ${work.rows} rows\n`,
  )
  process.stdout.write(
    asText({
      head: ['kernel', 'us a query'],
      rows: [
        ['whole search, median', median(own).toFixed(1)],
        ['p99 over p50 in a pass, median', median(passes.map(tail)).toFixed(2)],
        ["p99 over p50 of each query's median", tail(own).toFixed(2)],
        ...cells,
      ],
    }),
  )
}

for (const spec of (values.data ?? (quick ? 'fixture' : 'glove-100,sift-1m,text-384,mips-amazon')).split(',')) {
  await profile(spec)
}
