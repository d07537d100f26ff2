// @ts-check
import { ENGINES } from '../engines/catalog.js'
import { median } from '../harness/statistics.js'
import { columnsOf, contested, RECALLS } from './columns.js'
import { measure, openEngine } from './measure.js'

/**
 * @typedef {import('./measure.js').Job} Job
 * @typedef {import('./measure.js').OpenEngine} OpenEngine
 * @typedef {{ meanUs: number, p50Us: number, p99Us: number, batchUs?: number }} Times
 * @typedef {{ job: Job, points: any[][], open: OpenEngine }} Contender - `points`: by `RECALLS`.
 */

/** The times of a point that turns measure anew. */
const TIMES = /** @type {const} */ (['meanUs', 'p50Us', 'p99Us', 'batchUs'])

/**
 * Measure the points that decide how engines compare again, engine after engine at one recall and then the next, several times
 * over: what the machine does to one of them it soon does to the others. Each point gets its medians over the turns beside what
 * the sweep measured. What took turns together already, as often, is left as it is.
 * @param {Job[]} jobs - of one data set, engines that were swept.
 * @param {number} count - turns.
 */
export async function takeTurns(jobs, count) {
  const swept = jobs.flatMap((job) => {
    const [column] = columnsOf(job.results.all().filter(({ set, engine }) => set === job.set.id && engine === job.name))
    const points = RECALLS.map((recall) => contested(column?.points ?? [], recall))
    return points.flat().length > 0 ? [{ job, points }] : []
  })
  if (count === 0 || swept.length < 2 || tookTurns(swept, count)) return
  /** @type {Contender[]} */
  const contenders = []
  try {
    for (const { job, points } of swept) {
      const engine = ENGINES[job.name]
      if (engine !== undefined) contenders.push({ job, points, open: await openEngine(job, engine) })
    }
    const times = await measureTurns(contenders, count)
    const at = new Date().toISOString()
    for (const { job, points } of contenders) {
      for (const point of new Set(points.flat())) {
        job.results.add({ ...point, turns: { count, at, ...medians(times.get(point) ?? []) } })
      }
    }
  } finally {
    for (const { open } of contenders) await open.end()
  }
}

/** @param {{ points: any[][] }[]} swept @param {number} count */
function tookTurns(swept, count) {
  const all = swept.flatMap(({ points }) => points.flat())
  const [first] = all
  return all.every(({ turns }) => turns?.count === count && turns.at === first.turns?.at)
}

/** @param {Contender[]} contenders @param {number} count */
async function measureTurns(contenders, count) {
  /** @type {Map<any, Times[]>} */
  const times = new Map()
  for (let turn = 0; turn < count; turn++) {
    // Who begins changes, so that no engine always follows the same one.
    const begin = turn % contenders.length
    const order = [...contenders.slice(begin), ...contenders.slice(0, begin)]
    for (const at of RECALLS.keys()) {
      for (const { job, points, open } of order) {
        for (const point of points[at] ?? []) {
          const measured = await measure({ ...job, passes: 1 }, open, point.setting)
          times.set(point, [...(times.get(point) ?? []), measured])
        }
      }
    }
    process.stdout.write(`turn ${turn + 1} of ${count}\n`)
  }
  return times
}

/** @param {Times[]} measured */
function medians(measured) {
  const named = TIMES.filter((name) => measured[0]?.[name] !== undefined)
  return Object.fromEntries(named.map((name) => [name, median(measured.map((times) => times[name] ?? NaN))]))
}
