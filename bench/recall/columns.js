// @ts-check
/** From points to what is compared: each engine's front, and its times at the recalls that everybody asks for. */
import { front, timeAt } from './sweep.js'

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
    const single = front(
      own,
      ({ recall }) => recall,
      ({ meanUs }) => meanUs,
    )
    const batch = front(
      own,
      ({ batchRecall }) => batchRecall,
      ({ batchUs }) => batchUs,
    )
    const singles = single.map(({ recall, meanUs }) => ({ recall, time: meanUs }))
    const batches = batch.map(({ batchRecall, batchUs }) => ({ recall: batchRecall, time: batchUs }))
    const tails = single.map(({ recall, p99Us }) => ({ recall, time: p99Us }))
    return {
      engine,
      title: latest.title,
      points: own,
      single,
      batch,
      singleUs: RECALLS.map((recall) => timeAt(singles, recall)),
      batchUs: RECALLS.map((recall) => timeAt(batches, recall)),
      p99Us: RECALLS.map((recall) => timeAt(tails, recall)),
    }
  })
}

/** @param {any} a @param {any} b */
function sameRun(a, b) {
  const of = (
    /** @type {any} */ { environment: { cpu, node, library }, builtBy, versions, build, k, threads, queries },
  ) => JSON.stringify([cpu, node, builtBy && library, builtBy, versions, build, k, threads, queries])
  return of(a) === of(b)
}
