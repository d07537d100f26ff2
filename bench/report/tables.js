// @ts-check
import { ENGINES } from '../engines/catalog.js'
import { columnsOf, RECALLS } from '../recall/columns.js'

/** A table: a head, and rows of as many cells. @typedef {{ head: string[], rows: string[][] }} Table */

const NONE = '-'
const NAMED = RECALLS.map((recall) => recall.toFixed(2).slice(1)).join(' / ')

/** @param {number | undefined} value @param {number} [digits] */
export function fixed(value, digits = 0) {
  return value === undefined || !Number.isFinite(value) ? NONE : value.toFixed(digits)
}

/** The last result of each kind of its own: one of another build of the library gives way. @param {any[]} results @param {string[]} fields */
export function latest(results, fields) {
  const by = new Map(results.map((result) => [JSON.stringify(fields.map((field) => result[field])), result]))
  return [...by.values()]
}

/** A table for the terminal: columns as wide as their widest cell, the first to the left. @param {Table} table */
export function asText({ head, rows }) {
  const lines = [head, ...rows]
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)))
  const pad = (/** @type {string} */ cell, /** @type {number} */ i) =>
    i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('')
}

/**
 * The comparison on one data set.
 * @param {any[]} results - of that set.
 * @returns {Table}
 */
export function comparison(results) {
  const times = (/** @type {(number | undefined)[]} */ values) => values.map((value) => fixed(value)).join(' / ')
  const rows = columnsOf(results).map(({ title, points, singleUs, batchUs, p99Us }) => {
    const [first] = points
    const perVector = (/** @type {number} */ bytes) => fixed(bytes / first.rows)
    return [
      title,
      times(singleUs),
      times(p99Us),
      times(batchUs),
      highest(points),
      perVector(first.openBytes),
      fixed(first.fileBytesPerVector),
      fixed(first.buildSeconds, 1),
      fixed(first.buildPeakBytes / 2 ** 20),
    ]
  })
  return {
    head: [
      'engine',
      `us a query at ${NAMED}`,
      'its p99',
      'us in a batch',
      'best recall, us',
      'bytes/vector, open',
      'file',
      'build s',
      'build peak MiB',
    ],
    rows,
  }
}

/**
 * Each of our columns over the fastest of the others at each recall, by where these come from, with our own p99 over p50. Who took
 * turns with ours is compared by these; who did not, where nobody from there did, by the sweeps.
 * @param {any[]} results - of one data set.
 * @returns {Table}
 */
export function ratios(results) {
  const columns = columnsOf(results)
  /** @param {(number | undefined)[]} own @param {(number | undefined)[][]} others */
  const over = (own, others) =>
    RECALLS.map((_, at) => {
      const times = others.flatMap((each) => each[at] ?? [])
      return times.length > 0 ? fixed((own[at] ?? NaN) / Math.min(...times), 2) : NONE
    }).join(' / ')
  const from = (/** @type {string} */ place) => columns.filter(({ engine }) => ENGINES[engine]?.from === place)
  const rows = from('own').flatMap((own) =>
    ['PyPI', 'npm'].flatMap((place) => {
      const all = from(place)
      const inTurns = all.filter(({ turns }) => turns !== undefined && turns.at === own.turns?.at)
      const others = inTurns.length > 0 ? inTurns : all
      if (others.length === 0 || own.singleUs.every((time) => time === undefined)) return []
      const singles = others.map(({ singleUs }) => singleUs)
      const batches = others.map(({ batchUs }) => batchUs)
      const times = [over(own.singleUs, singles), over(own.batchUs, batches), over(own.p99Us, [own.p50Us])]
      const turns = inTurns.length > 0 ? String(own.turns?.count) : NONE
      return [[own.title, place, ...times, turns]]
    }),
  )
  return {
    head: ['ours', 'over the fastest from', `time at ${NAMED}`, 'in a batch', 'our p99 over p50', 'turns'],
    rows,
  }
}

/** The highest recall, and the time of the fastest point that has it. @param {any[]} points */
function highest(points) {
  const [first] = points.slice().sort((a, b) => b.recall - a.recall || a.meanUs - b.meanUs)
  return `${fixed(first.recall, 4)}, ${fixed(first.meanUs)}`
}

/** @param {any[]} results */
export function recallTable(results) {
  const missing = results.filter(({ kind }) => kind === 'missing')
  return `\n${asText(comparison(results))}\n${asText(ratios(results))}${missing.map(({ title, reason }) => `${title} is missing: ${reason}\n`).join('')}`
}

/** @param {any[]} all @returns {Table} */
export function buildTable(all) {
  const results = latest(all, ['setName', 'threads', 'log'])
  const phases = [...new Set(results.flatMap(({ phaseSeconds }) => Object.keys(phaseSeconds)))]
  return {
    head: ['data set', 'threads', 'seconds', ...phases, 'peak MiB', 'bytes/vector'],
    rows: results.map(({ setName, threads, seconds, phaseSeconds, peakBytes, bytesPerVector }) => [
      setName,
      String(threads),
      fixed(seconds, 1),
      ...phases.map((phase) => fixed(phaseSeconds[phase], 1)),
      fixed(peakBytes / 2 ** 20),
      fixed(bytesPerVector, 1),
    ]),
  }
}

/** @param {any[]} results @returns {Table} */
export function scaleTable(results) {
  return {
    head: ['data set', 'rows', 'us a query at .95', 'us in a batch', 'build s', 'build peak MiB', 'bytes/vector, open'],
    rows: results.map(({ setName, rows, singleUs, batchUs, buildSeconds, buildPeakBytes, openBytes }) => [
      setName,
      rows.toLocaleString('en'),
      fixed(singleUs, 1),
      fixed(batchUs, 1),
      fixed(buildSeconds, 1),
      fixed(buildPeakBytes / 2 ** 20),
      fixed(openBytes / rows),
    ]),
  }
}

/** @param {any[]} results @returns {Table} */
export function kernelTable(results) {
  return {
    head: ['kernel', 'binary', 'calls/s', 'rate', 'of memory', 'of the scalar twin'],
    rows: results.map(({ kernel, binary, hz, rate, unit, ofMemory, ofTwin }) => [
      kernel,
      binary,
      fixed(hz),
      rate === undefined ? NONE : `${fixed(rate, 2)} ${unit}`,
      ofMemory === undefined ? NONE : `${fixed(100 * ofMemory)}%`,
      ofTwin === undefined ? NONE : `${fixed(ofTwin, 1)}x`,
    ]),
  }
}

/** @param {any[]} all @returns {Table} */
export function paperTable(all) {
  const results = latest(all, ['set', 'method'])
  const at = (/** @type {any[] | undefined} */ reached, /** @type {string} */ what, /** @type {number} */ digits) =>
    (reached ?? []).map((one) => fixed(one?.[what], digits)).join(' / ') || NONE
  return {
    head: [
      'method',
      'leaves',
      'rows looked at, %, at .90 / .95 / .99',
      'probes',
      'us a query',
      'bytes/vector',
      'build s',
    ],
    rows: results.map(({ method, leaves, reached, bytesPerVector, seconds }) => [
      method,
      leaves === undefined ? NONE : String(leaves),
      at(reached, 'candidatesPct', 3),
      at(reached, 'probes', 0),
      at(reached, 'us', 0),
      fixed(bytesPerVector, 1),
      fixed(seconds, 1),
    ]),
  }
}
