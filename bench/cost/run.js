// @ts-check
/**
 * The cost model against time: searches under many settings, timed, beside what src/search/cost.ts says of them, and the
 * coefficients that would fit these times best.
 *
 *   npm run bench:cost -- [--data NAME|DIR|FILE.hdf5,...] [--rows N] [--out DIR] [--keep-indexes] [--quick]
 *
 * The indexes are those of bench:recall.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { costFeatures, searchCost } from '../../build/search/cost.js'
import { Searcher } from '../../build/search/searcher.js'
import { prepareSet } from '../harness/data.js'
import { environment, libraryDigest, machine } from '../harness/environment.js'
import { openOwn, searchTimes } from '../harness/own-index.js'
import { Results } from '../harness/results.js'
import { median } from '../harness/statistics.js'
import { asText } from '../report/tables.js'
import { agreement, fitCosts } from './fit.js'

const K = 10
const PROBES = [8, 16, 32, 64, 128, 256]
const BEAMS = [8, 24, 72]
const RERANKS = [10, 40, 160]
/** Times of a setting are the least of so many medians: what disturbs a machine only adds. */
const PASSES = 3

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    rows: { type: 'string' },
    out: { type: 'string' },
    'keep-indexes': { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
})
const { quick } = values
const out = values.out ?? (quick ? 'bench/.cache/quick' : 'bench/results')
const results = new Results(join(out, 'cost.jsonl'))

/** @param {string} spec */
async function measureSet(spec) {
  const rows = values.rows === undefined ? (quick ? 5000 : undefined) : Number(values.rows)
  const set = await prepareSet(spec, { rows })
  const key = Results.key('cost', set.id, libraryDigest(), machine())
  const kept = results.find(key)
  if (kept !== undefined) return kept
  const { arena, snapshot, queries } = await openOwn(spec, { rows, keep: values['keep-indexes'] })
  const searcher = new Searcher(arena, snapshot)
  const count = Math.min(quick ? 100 : 2000, set.queryCount)
  const { leafCount } = snapshot.shape
  const settings = PROBES.filter((probes) => probes <= leafCount).flatMap((probes) =>
    BEAMS.flatMap((beamWidth) => RERANKS.map((rerank) => ({ probes, beamWidth, rerank }))),
  )
  const least = new Float64Array(settings.length).fill(Infinity)
  // Passes over all settings, not of each: a slow spell of the machine falls on all alike.
  for (let pass = 0; pass < PASSES; pass++) {
    settings.forEach((setting, s) => {
      const times = searchTimes(searcher, { queries, count, dim: set.dim, k: K }, setting)
      least[s] = Math.min(least[s] ?? Infinity, median(times) * 1000)
    })
  }
  searcher.close()
  const points = settings.map((setting, s) => ({
    ...setting,
    nanoseconds: least[s] ?? 0,
    cost: searchCost(snapshot, setting),
    features: costFeatures(snapshot, setting),
  }))
  const result = { key, kind: 'cost', set: set.id, setName: set.name, points, environment: environment() }
  results.add(result)
  return result
}

const measured = []
for (const spec of (values.data ?? (quick ? 'fixture' : 'glove-100,sift-1m,text-384,mips-amazon')).split(',')) {
  measured.push(await measureSet(spec))
}
const points = measured.flatMap((result) => result.points)
const time = (/** @type {any[]} */ of) => of.map(({ nanoseconds }) => nanoseconds)
const rows = [...measured.map((result) => [result.setName, result.points]), ['all', points]].map(([name, of]) => {
  const { factor, low, high } = agreement(
    of.map((/** @type {any} */ { cost }) => cost),
    time(of),
  )
  return [name, String(of.length), factor.toFixed(2), `${low.toFixed(2)} to ${high.toFixed(2)}`]
})
process.stdout.write(asText({ head: ['set', 'settings', 'time / cost', '5% to 95% of it'], rows }))
const names = Object.keys(points[0]?.features ?? {})
const best = fitCosts(
  points.map(({ features }) => [1, ...names.map((name) => features[name])]),
  time(points),
)
const fitted = ['a search', ...names].map((name, i) => [name, (best[i] ?? 0).toFixed(3)])
process.stdout.write(`\n${asText({ head: ['coefficients that fit best', 'ns'], rows: fitted })}`)
