// @ts-check
/**
 * Recall against time: our index beside the engines that users choose, on the same rows, queries and judge.
 *
 *   npm run bench:recall -- --data NAME|DIR|FILE.hdf5,... [--peers a,b,...] [--k 10] [--threads 1] [--turns 5]
 *     [--out DIR] [--quick]
 *
 * docs/benchmarks.md describes what is measured and how. Finished points are kept; run it again to go on.
 */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ENGINES } from '../engines/catalog.js'
import { prepareSet } from '../harness/data.js'
import { Judge } from '../harness/judge.js'
import { Results } from '../harness/results.js'
import { writeReport } from '../report/report.js'
import { recallTable } from '../report/tables.js'
import { measureEngine } from './measure.js'
import { takeTurns } from './turns.js'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    metric: { type: 'string' },
    rows: { type: 'string' },
    peers: { type: 'string', default: Object.keys(ENGINES).join(',') },
    k: { type: 'string', default: '10' },
    threads: { type: 'string', default: '1' },
    'build-threads': { type: 'string', default: '0' },
    queries: { type: 'string' },
    passes: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    turns: { type: 'string', default: '5' },
    out: { type: 'string', default: 'bench/results' },
    'keep-indexes': { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
})

const { quick } = values
const peers = values.peers.split(',')
for (const peer of peers) {
  if (ENGINES[peer] === undefined) {
    throw new Error(`--peers has '${peer}'; there are ${Object.keys(ENGINES).join(', ')}`)
  }
}
const metric = /** @type {import('../../build/index.js').Metric | undefined} */ (values.metric)
if (metric !== undefined && !['l2', 'ip', 'cosine'].includes(metric)) {
  throw new Error(`--metric is '${metric}'; l2, ip or cosine is expected`)
}
const number = (/** @type {string | undefined} */ value) => (value === undefined ? undefined : Number(value))
const k = Number(values.k)
// A quick run leaves the report alone.
const out = values.out === 'bench/results' && quick ? 'bench/.cache/quick' : values.out
const results = new Results(join(out, 'recall.jsonl'))

for (const spec of (values.data ?? (quick ? 'fixture' : 'glove-100,sift-1m,text-384,mips-amazon')).split(',')) {
  const set = await prepareSet(spec, { rows: number(values.rows) ?? (quick ? 5000 : undefined), metric })
  const judge = await Judge.of(set, k)
  process.stdout.write(`\n${set.name}: ${set.size} rows of ${set.dim}, ${set.metric}\n`)
  const jobs = peers.map((name) => ({
    name,
    set,
    judge,
    results,
    k,
    threads: Number(values.threads),
    buildThreads: Number(values['build-threads']) || (quick ? 1 : availableParallelism()),
    queries: Math.min(set.queryCount, number(values.queries) ?? (quick ? 100 : set.queryCount)),
    passes: quick ? 1 : Number(values.passes),
    seconds: Number(values.seconds),
    keep: values['keep-indexes'],
    quick,
  }))
  for (const job of jobs) await measureEngine(job)
  await takeTurns(jobs, quick ? 1 : Number(values.turns))
  process.stdout.write(recallTable(results.all().filter((result) => result.set === set.id)))
}
await writeReport(out)
process.stdout.write(`\n${join(out, 'recall.jsonl')}, ${join(out, 'report.html')}\n`)
