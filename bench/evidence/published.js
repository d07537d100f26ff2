// @ts-check
/**
 * The method as published, from a random tree: its learning curve over the rounds on the first 100,000 rows.
 *
 *   npm run bench:published -- [--data sift-1m,glove-100] [--rows 100000] [--rounds 12] [--out FILE]
 *
 * The curve is judged on the query file, which neither trains nor selects. Finished sets are kept.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { buildIndex } from '../../build/builder/build.js'
import { atRecall, probeCurve } from './curve.js'
import { loadSet } from './data.js'

const ARITY = 32

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: 'sift-1m,glove-100' },
    rows: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '12' },
    out: { type: 'string', default: 'bench/results/published.jsonl' },
  },
})
const rows = Number(values.rows)
mkdirSync(dirname(values.out), { recursive: true })
const finished = new Set(
  existsSync(values.out)
    ? readFileSync(values.out, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line).set)
    : [],
)

/** @param {string} set */
async function curveOf(set) {
  const data = await loadSet(set, rows)
  const shape = { dim: data.dim, type: data.type, metric: data.metric, arity: ARITY, leafSize: rows / ARITY ** 2 }
  const flat = await buildIndex(data.rows, { ...shape, copies: 1 }, availableParallelism(), { flat: true })
  const flatShares = [0.9, 0.95].map((recall) => atRecall(probeCurve(flat, data), recall, data.size)?.candidatesPct)
  const started = performance.now()
  const judge = { queries: data.queries, neighbours: data.truth, k: data.truthK }
  const options = { ...shape, preset: /** @type {const} */ ('published'), rounds: Number(values.rounds) }
  const open = await buildIndex(data.rows, options, availableParallelism(), { judge })
  const seconds = (performance.now() - started) / 1000
  const published = [0.9, 0.95].map((recall) => atRecall(probeCurve(open, data), recall, data.size)?.candidatesPct)
  return {
    set,
    rows,
    leaves: open.snapshot.shape.leafCount,
    flat: flatShares,
    published,
    seconds,
    rounds: open.rounds,
    trainer: open.snapshot.trainer,
    phases: open.phaseSeconds,
  }
}

for (const set of values.data.split(',').filter((name) => !finished.has(name))) {
  const result = {
    ...(await curveOf(set)),
    node: process.version,
    cpu: cpus()[0]?.model,
    threads: availableParallelism(),
  }
  appendFileSync(values.out, `${JSON.stringify(result)}\n`)
  for (const { round, kept, moved, withheld, judged } of result.rounds) {
    const percent = (/** @type {readonly number[] | undefined} */ shares) =>
      shares?.map((share) => `${(100 * share).toFixed(2)}%`).join(' / ')
    process.stdout.write(
      `${set} round ${round}: ${percent(judged)} judged, ${percent(withheld)} withheld, ${(100 * moved).toFixed(1)}% moved${kept ? '' : ', not kept'}\n`,
    )
  }
  process.stdout.write(
    `${set}: ${result.published.map((share) => share?.toFixed(2)).join(' / ')}% against flat ${result.flat.map((share) => share?.toFixed(2)).join(' / ')}% in ${result.seconds.toFixed(0)} s\n`,
  )
}
