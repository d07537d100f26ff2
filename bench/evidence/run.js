// @ts-check
/**
 * What each part of the method is worth, on real data: entries looked at and routing multiply-adds for a recall.
 *
 *   npm run bench:evidence -- [--data SET,...] [--variant NAME,...] [--out FILE] [--again]
 *
 * One JSON line a result; finished ones are kept, so that a run that was ended goes on where it stopped.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { buildIndex } from '../../build/builder/build.js'
import { climb } from '../../build/eval/ladder.js'
import { multiplyAdds } from '../../build/search/cost.js'
import { Searcher } from '../../build/search/searcher.js'
import { evaluateSearch } from '../../build/search/evaluate.js'
import { atRecall, normCurve, probeCurve } from './curve.js'
import { loadSet, SETS } from './data.js'
import { LEAF_SIZE, VARIANTS } from './variants.js'

const RECALLS = [0.9, 0.95, 0.99]

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: Object.keys(SETS).join(',') },
    variant: { type: 'string', default: Object.keys(VARIANTS).join(',') },
    out: { type: 'string', default: 'bench/results/evidence.jsonl' },
    again: { type: 'boolean', default: false },
  },
})

/** Names that have a result already. */
function finished() {
  if (values.again || !existsSync(values.out)) return new Set()
  const lines = readFileSync(values.out, 'utf8').split('\n').filter(Boolean)
  return new Set(lines.map((line) => JSON.parse(line)).map(({ set, variant }) => `${set}/${variant}`))
}

/** @param {string} set @param {string} variant */
async function study(set, variant) {
  const { options = {}, study: asked = {}, norms, rows, log = true } = VARIANTS[variant] ?? {}
  const data = await loadSet(set, rows)
  if (norms) {
    const curve = normCurve(data)
    const reached = RECALLS.map((recall) => ({ recall, ...atRecall(curve, recall, data.size), multiplyAdds: 0 }))
    return { set, variant, size: data.size, seconds: 0, reached, promised: [] }
  }
  const leafSize = rows === undefined ? (LEAF_SIZE[set] ?? {}) : {}
  const started = performance.now()
  const open = await buildIndex(
    data.rows,
    {
      dim: data.dim,
      type: data.type,
      metric: data.metric,
      ...(typeof leafSize === 'number' ? { leafSize } : {}),
      ...(log && data.logPath !== undefined ? { queries: data.logPath } : {}),
      ...options,
    },
    availableParallelism(),
    asked,
  )
  const seconds = (performance.now() - started) / 1000
  const { snapshot } = open
  const curve = probeCurve(open, data)
  const reached = RECALLS.map((recall) => {
    const at = atRecall(curve, recall, data.size)
    const rung = snapshot.rungs.find(({ probes }) => probes >= (at?.probes ?? 0))
    const beamWidth = rung?.beamWidth ?? snapshot.shape.leafCount
    return { recall, ...at, multiplyAdds: multiplyAdds(snapshot.router, snapshot.shape, data.dim, beamWidth) }
  })
  const promised = await promises(open, data)
  return {
    set,
    variant,
    size: data.size,
    leaves: snapshot.shape.leafCount,
    arities: snapshot.shape.arities,
    seconds,
    phases: open.phaseSeconds,
    reached,
    promised,
    rounds: open.rounds,
    trainer: snapshot.trainer,
    bytes: open.layout.length,
  }
}

/**
 * What the index delivers on the query file when it is asked for a recall.
 * @param {import('../../build/open.js').OpenIndex} open
 * @param {import('./data.js').DataSet} data
 */
async function promises(open, data) {
  const { snapshot } = open
  const positions = new Uint32Array(data.size)
  for (let p = 0; p < data.size; p++) positions[snapshot.order[p] ?? 0] = p
  const truth = { positions: Uint32Array.from(data.truth, (row) => positions[row] ?? 0), k: data.truthK }
  const searcher = new Searcher(open.arena, snapshot)
  const results = []
  for (const asked of RECALLS) {
    const effort = climb(snapshot.rungs, asked, 10)
    const got = await evaluateSearch(
      searcher,
      snapshot,
      { matrix: data.queries, k: 10, effort, truth },
      () => undefined,
    )
    results.push({
      asked,
      recall: got.recall,
      candidatesPct: got.candidatesPct,
      probes: effort.probes,
      beamWidth: effort.beamWidth,
      p50Us: got.p50Us,
    })
  }
  return results
}

mkdirSync(dirname(values.out), { recursive: true })
const done = finished()
for (const set of values.data.split(',')) {
  for (const variant of values.variant.split(',')) {
    if (VARIANTS[variant] === undefined)
      throw new Error(`no variant '${variant}'; there are ${Object.keys(VARIANTS).join(', ')}`)
    if (done.has(`${set}/${variant}`) || VARIANTS[variant]?.sets?.includes(set) === false) continue
    const result = {
      ...(await study(set, variant)),
      node: process.version,
      cpu: cpus()[0]?.model,
      threads: availableParallelism(),
    }
    appendFileSync(values.out, `${JSON.stringify(result)}\n`)
    const shares = result.reached
      .map(({ recall, candidatesPct }) => `${candidatesPct?.toFixed(3)}% at ${recall}`)
      .join(', ')
    process.stdout.write(`${set} / ${variant}: ${shares} (built in ${result.seconds.toFixed(0)} s)\n`)
  }
}
