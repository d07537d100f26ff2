// @ts-check
/** From points to what is compared: each engine's front, and its times at the recalls that everybody asks for. */
import { front, pointAt } from './sweep.js'

/** Recalls at which engines are compared. */
export const RECALLS = [0.9, 0.95, 0.99]

/**
 * What one engine does on one data set. Times in microseconds a query, by `RECALLS`.
 * @typedef {{ engine: string, title: string, points: any[], single: any[], batch: any[], singleUs: (number | undefined)[],
 *   batchUs: (number | undefined)[], p99Us: (number | undefined)[] }} Column
 */

/**
 * The engines of one data set in the order they were measured, each by the points of its latest version and machine.
 * @param {any[]} results - of one data set.
 * @returns {Column[]}
 */
export function columnsOf(results) {
  const points = results.filter(({ kind }) => kind === 'recall')
  const engines = [...new Set(points.map(({ engine }) => engine))]
  return engines.map((engine) => {
    const all = points.filter((point) => point.engine === engine)
    const latest = all.at(-1)
    const own = all.filter((point) => sameRun(point, latest))
    const families = [...new Set(own.map(familyOf))].map((name) => own.filter((point) => familyOf(point) === name))
    const single = (/** @type {any} */ { recall, meanUs, p99Us }) => ({ recall, time: meanUs, tail: p99Us })
    const batch = (/** @type {any} */ { batchRecall, batchUs }) => ({ recall: batchRecall, time: batchUs })
    const singles = RECALLS.map((recall) => best(families, single, recall))
    return {
      engine,
      title: latest.title,
      points: own,
      single: front(
        own,
        ({ recall }) => recall,
        ({ meanUs }) => meanUs,
      ),
      batch: front(
        own,
        ({ batchRecall }) => batchRecall,
        ({ batchUs }) => batchUs,
      ),
      singleUs: singles.map((found) => found?.time),
      p99Us: singles.map((found) => found?.tail),
      batchUs: RECALLS.map((recall) => best(families, batch, recall)?.time),
    }
  })
}

/** Points that differ in one knob alone. @param {any} point */
function familyOf({ knob, setting }) {
  return JSON.stringify([knob, { ...setting, [knob]: undefined }])
}

/**
 * The family that is fastest at a recall: its points lie close enough together, where those of the common front may not.
 * @param {any[][]} families
 * @param {(point: any) => { recall: number, time: number | undefined, tail?: number }} of
 * @param {number} wanted
 */
function best(families, of, wanted) {
  /** @type {{ time: number, tail?: number } | undefined} */
  let found
  for (const family of families) {
    const points = family.map(of).filter(({ time }) => time !== undefined)
    const curve = /** @type {{ recall: number, time: number, tail?: number }[]} */ (points)
    curve.sort((a, b) => a.recall - b.recall || a.time - b.time)
    const at = pointAt(curve, wanted)
    if (at !== undefined && (found === undefined || at.time < found.time)) found = at
  }
  return found
}

/** @param {any} a @param {any} b */
function sameRun(a, b) {
  const of = (
    /** @type {any} */ { environment: { cpu, node, library }, builtBy, versions, build, k, threads, queries },
  ) => JSON.stringify([cpu, node, builtBy && library, builtBy, versions, build, k, threads, queries])
  return of(a) === of(b)
}
