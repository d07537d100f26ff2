// @ts-check
/** From points to what is compared: each engine's front, and its times at the recalls that everybody asks for. */
import { around, front, pointAt } from './sweep.js'

/** Recalls at which engines are compared. */
export const RECALLS = [0.9, 0.95, 0.99]

/** Families of one engine that take turns with the other engines at a recall: which is fastest is settled there. */
const FAMILIES_IN_TURNS = 2

/**
 * A way to search, with what of a point counts in it.
 * @typedef {(point: any) => { point: any, recall: number, time: number | undefined, tail?: number }} Way
 * @typedef {{ point: any, recall: number, time: number, tail?: number }[]} Curve
 */

/** @type {Way} */
const SINGLE = (point) => ({ point, recall: point.recall, time: point.meanUs, tail: point.p99Us })
/** @type {Way} */
const BATCH = (point) => ({ point, recall: point.batchRecall, time: point.batchUs })

/**
 * What one engine does on one data set. Times in microseconds a query, by `RECALLS`.
 * @typedef {{ engine: string, title: string, points: any[], single: any[], batch: any[], singleUs: (number | undefined)[],
 *   batchUs: (number | undefined)[], p99Us: (number | undefined)[], p50Us: (number | undefined)[],
 *   turns: { count: number, at: string } | undefined }} Column - points, and the fronts among them, as they were swept.
 */

/**
 * The engines of one data set in the order they were measured, each by the points of its latest version and machine. Times
 * at a recall are those that were measured in turns with the other engines, where there are such.
 * @param {any[]} results - of one data set.
 * @returns {Column[]}
 */
export function columnsOf(results) {
  const points = results.filter(({ kind }) => kind === 'recall')
  const engines = [...new Set(points.map(({ engine }) => engine))]
  return engines.map((engine) => {
    const own = latestRun(points.filter((point) => point.engine === engine))
    const inTurns = latestTurns(own)
    const timed = inTurns.length > 0 ? inTurns.map((point) => ({ ...point, ...point.turns })) : own
    const at = (/** @type {Way} */ way) => RECALLS.map((recall) => ranked(timed, way, recall)[0])
    const singles = at(SINGLE)
    return {
      engine,
      title: own[0].title,
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
      p50Us: at((point) => ({ ...SINGLE(point), tail: point.p50Us })).map((found) => found?.tail),
      batchUs: at(BATCH).map((found) => found?.time),
      turns: inTurns[0]?.turns,
    }
  })
}

/**
 * The points of one engine between which its times at a recall are read off, one query a call and in a batch: those of its
 * fastest families there, so that what a sweep found by a lucky moment is not taken for the engine's best.
 * @param {any[]} points - of one engine's sweep.
 * @param {number} wanted
 * @returns {any[]}
 */
export function contested(points, wanted) {
  const fastest = [SINGLE, BATCH].flatMap((way) => ranked(points, way, wanted).slice(0, FAMILIES_IN_TURNS))
  return [...new Set(fastest.flatMap(({ sides }) => sides.map(({ point }) => point)))]
}

/** Points of the same version, machine and questions as the last one. @param {any[]} points */
function latestRun(points) {
  const last = points.at(-1)
  return points.filter((point) => sameRun(point, last))
}

/** The points that were measured in the latest turns. @param {any[]} points */
function latestTurns(points) {
  const last = points
    .flatMap(({ turns }) => turns?.at ?? [])
    .sort()
    .at(-1)
  return points.filter(({ turns }) => turns !== undefined && turns.at === last)
}

/** Points that differ in one knob alone, family by family. @param {any[]} points @returns {any[][]} */
function familiesOf(points) {
  /** @type {Map<string, any[]>} */
  const families = new Map()
  for (const point of points) {
    const { knob, setting } = point
    const name = JSON.stringify([knob, { ...setting, [knob]: undefined }])
    families.set(name, [...(families.get(name) ?? []), point])
  }
  return [...families.values()]
}

/**
 * The families that have times at a recall, the fastest first: the points of one lie close enough together, where those of the common
 * front may not.
 * @param {any[]} points
 * @param {Way} way
 * @param {number} wanted
 */
function ranked(points, way, wanted) {
  const found = familiesOf(points).flatMap((family) => {
    const curve = /** @type {Curve} */ (family.map(way).filter(({ time }) => time !== undefined))
    curve.sort((a, b) => a.recall - b.recall || a.time - b.time)
    const at = pointAt(curve, wanted)
    return at === undefined ? [] : [{ time: at.time, tail: at.tail, sides: around(curve, wanted) }]
  })
  return found.sort((a, b) => a.time - b.time)
}

/** @param {any} a @param {any} b */
function sameRun(a, b) {
  const of = (
    /** @type {any} */ { environment: { cpu, node, library }, builtBy, versions, build, k, threads, queries },
  ) => JSON.stringify([cpu, node, builtBy && library, builtBy, versions, build, k, threads, queries])
  return of(a) === of(b)
}
