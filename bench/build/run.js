// @ts-check
/**
 * What a build takes: the time of each phase and the peak of memory, on one thread and on all.
 *
 *   npm run bench:build -- [--data NAME|DIR|FILE.hdf5,...] [--rows N] [--threads 1,N] [--log] [--out DIR] [--quick]
 *
 * Every build runs in a process of its own. Finished ones are kept.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ENGINES } from '../engines/catalog.js'
import { prepareSet } from '../harness/data.js'
import { EngineProcess } from '../harness/engine-process.js'
import { environment, libraryDigest, machine } from '../harness/environment.js'
import { runtimeOf } from '../harness/install.js'
import { Results } from '../harness/results.js'
import { writeReport } from '../report/report.js'
import { asText, buildTable } from '../report/tables.js'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    rows: { type: 'string' },
    threads: { type: 'string', default: [...new Set([1, availableParallelism()])].join(',') },
    log: { type: 'boolean', default: false },
    out: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const { quick, log } = values
const out = values.out ?? (quick ? 'bench/.cache/quick' : 'bench/results')
const rows = values.rows === undefined ? (quick ? 5000 : undefined) : Number(values.rows)
const name = log ? 'batl-log' : 'batl'
const engine = ENGINES[name]
if (engine === undefined) throw new Error(`the catalogue has no ${name}`)
const results = new Results(join(out, 'build.jsonl'))

for (const spec of (values.data ?? (quick ? 'fixture' : 'glove-100,sift-1m,text-384,mips-amazon')).split(',')) {
  const set = await prepareSet(spec, { rows })
  if (engine.suits?.(set) === false) throw new Error(`${set.name} has no query log; leave --log out`)
  for (const threads of values.threads.split(',').map(Number)) {
    const key = Results.key('build', set.id, name, threads, libraryDigest(), machine())
    if (results.find(key) !== undefined) continue
    const folder = mkdtempSync(join(tmpdir(), 'batl-bench-'))
    const child = new EngineProcess(await runtimeOf(engine), threads)
    try {
      const settings = engine.build(set)
      const { seconds, peakBytes, info } = await child.ask({ op: 'build', set, settings, threads, folder })
      results.add({
        key,
        kind: 'build',
        set: set.id,
        setName: set.name,
        rows: set.size,
        threads,
        log,
        seconds,
        phaseSeconds: info.phaseSeconds,
        peakBytes,
        bytesPerVector: info.fileBytes / set.size,
        trainer: info.trainer,
        environment: environment(),
      })
    } finally {
      await child.end()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
process.stdout.write(asText(buildTable(results.all())))
await writeReport(out)
