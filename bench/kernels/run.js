// @ts-check
/**
 * Every kernel against its scalar twin and against the speed of memory, with benchmark.js.
 *
 *   npm run bench:kernels -- [--quick] [--only NAME] [--out DIR]
 *
 * Strict and relaxed binaries where this runtime takes both.
 */
import Benchmark from 'benchmark'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setKernelModule } from '../../build/kernels/load.js'
import { Arena } from '../../build/kernels/memory.js'
import { environment, machine } from '../harness/environment.js'
import { Results } from '../harness/results.js'
import { writeReport } from '../report/report.js'
import { asText, kernelTable } from '../report/tables.js'
import { Stage } from './stage.js'
import { KERNELS } from './table.js'
import { loadTwins } from './twins.js'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    out: { type: 'string' },
  },
})
const { quick } = values
const out = values.out ?? (quick ? 'bench/.cache/quick' : 'bench/results')
/** Seconds a measurement. */
const SECONDS = quick ? 0.05 : 1
/** Bytes of a table of rows: more than the last cache of a usual server. */
const TABLE_BYTES = (quick ? 16 : 256) << 20

/** Calls a second, by benchmark.js. @param {() => unknown} run */
function speed(run) {
  const bench = new Benchmark(run, { maxTime: SECONDS, minSamples: quick ? 2 : 5, minTime: quick ? 0.01 : 0 })
  bench.run()
  if (bench.error) throw bench.error
  return { hz: bench.hz, rme: bench.stats.rme }
}

/** Bytes a second of copying memory, read and written ones counted. */
function copySpeed() {
  const from = new Uint8Array(TABLE_BYTES).fill(1)
  const to = new Uint8Array(TABLE_BYTES)
  return speed(() => to.set(from)).hz * TABLE_BYTES * 2
}

const results = new Results(join(out, 'kernels.jsonl'))
const twins = await loadTwins()
const memory = copySpeed()
process.stdout.write(`memory: ${(memory / 1e9).toFixed(1)} GB/s copied, reads and writes together\n`)
/** @type {any[]} */
const measured = []
/** @type {Map<string, number>} */
const twinRates = new Map()
for (const binary of ['strict', 'relaxed']) {
  const bytes = readFileSync(new URL(`../../build/wasm/${binary}.wasm`, import.meta.url))
  if (!WebAssembly.validate(bytes)) {
    process.stdout.write(`${binary}: this runtime (${process.version}) refuses it\n`)
    continue
  }
  setKernelModule(new WebAssembly.Module(bytes))
  const stage = new Stage(Arena.create(), TABLE_BYTES)
  for (const { name, unit, prepare } of KERNELS.filter((entry) => entry.name.includes(values.only))) {
    const { amount, run, twin } = prepare(stage, twins)
    const { hz, rme } = speed(run)
    if (twin !== undefined && !twinRates.has(name)) twinRates.set(name, speed(twin.run).hz * twin.amount)
    const twinRate = twinRates.get(name)
    const scale = unit === 'GB/s' ? 1e9 : 1e6
    const result = {
      key: Results.key('kernel', name, binary, quick, machine()),
      kernel: name,
      binary,
      hz,
      rme,
      unit,
      rate: (hz * amount) / scale,
      ...(unit === 'GB/s' ? { ofMemory: (hz * amount) / memory } : {}),
      ...(twinRate === undefined ? {} : { twinRate: twinRate / scale, ofTwin: (hz * amount) / twinRate }),
      memoryGBs: memory / 1e9,
      environment: environment(),
    }
    results.add(result)
    measured.push(result)
  }
}
process.stdout.write(asText(kernelTable(measured)))
await writeReport(out)
