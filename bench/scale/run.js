// @ts-check
/**
 * How the index grows: time a query at recall .95, build time and memory over 10,000 to 1,000,000 rows, with the exponents
 * of the curves.
 *
 *   npm run bench:scale -- [--data sift-1m] [--sizes 10000,31623,...] [--out DIR] [--quick]
 *
 * Rows are the first of the data set; points go to scale-points.jsonl and are kept.
 */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { prepareSet } from '../harness/data.js'
import { machine } from '../harness/environment.js'
import { Judge } from '../harness/judge.js'
import { Results } from '../harness/results.js'
import { columnsOf, RECALLS } from '../recall/columns.js'
import { measureEngine } from '../recall/measure.js'
import { writeReport } from '../report/report.js'
import { asText, scaleTable } from '../report/tables.js'
import { scaleCurves } from './fit.js'

/** The recall at which times are compared. */
const WANTED = 0.95
/** Recalls asked for: those around it. */
const ASKED = [0.92, 0.93, 0.94, 0.945, 0.95, 0.955, 0.96, 0.965, 0.97]

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    sizes: { type: 'string', default: '10000,31623,100000,316228,1000000' },
    peers: { type: 'string', default: 'batl' },
    queries: { type: 'string', default: '2000' },
    out: { type: 'string' },
    'keep-indexes': { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
})
const { quick } = values
const out = values.out ?? (quick ? 'bench/.cache/quick' : 'bench/results')
const sizes = quick ? [5000, 8000] : values.sizes.split(',').map(Number)
const points = new Results(join(out, 'scale-points.jsonl'))
const results = new Results(join(out, 'scale.jsonl'))
const spec = values.data ?? (quick ? 'fixture' : 'sift-1m')

for (const rows of sizes) {
  const set = await prepareSet(spec, { rows })
  if (set.size < rows) {
    process.stdout.write(`${spec} has ${set.size} rows: ${rows} left out\n`)
    continue
  }
  const judge = await Judge.of(set, 10)
  for (const name of values.peers.split(',')) {
    await measureEngine({
      name,
      set,
      judge,
      results: points,
      k: 10,
      threads: 1,
      buildThreads: availableParallelism(),
      queries: Math.min(set.queryCount, quick ? 100 : Number(values.queries)),
      passes: quick ? 1 : 3,
      seconds: 6,
      keep: values['keep-indexes'],
      quick: false,
      // Ours by the recalls around the wanted one; of a peer, all that it is swept over.
      families: (all) => (name.startsWith('batl') ? [{ fixed: {}, knob: 'recall', values: ASKED }] : all),
    })
    const own = points.all().filter(({ set: id, engine }) => id === set.id && engine === name)
    const [column] = columnsOf(own)
    const [point] = column?.points ?? []
    if (column === undefined || point === undefined) continue
    const at = RECALLS.indexOf(WANTED)
    const setName = `${spec} ${point.title}`
    results.add({
      key: Results.key('scale', set.id, name, machine()),
      kind: 'scale',
      setName,
      rows,
      singleUs: column.singleUs[at],
      batchUs: column.batchUs[at],
      buildSeconds: point.buildSeconds,
      buildPeakBytes: point.buildPeakBytes,
      openBytes: point.openBytes,
      environment: point.environment,
    })
  }
}
process.stdout.write(`\n${asText(scaleTable(results.all()))}\n`)
for (const { quantity, lines } of scaleCurves(results.all())) {
  for (const { name, exponent } of lines) {
    process.stdout.write(`${name}: ${quantity} grows with rows^${exponent?.toFixed(3) ?? '?'}\n`)
  }
}
await writeReport(out)
