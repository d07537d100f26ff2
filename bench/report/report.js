// @ts-check
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readLines } from '../harness/results.js'
import { scaleCurves } from '../scale/fit.js'
import { candidatesPlot, memoryPlot, phasePlot, recallPlot, scalePlot } from './plots.js'
import { buildTable, comparison, kernelTable, latest, paperTable, ratios, scaleTable } from './tables.js'

/** @typedef {import('./tables.js').Table} Table */

/** @param {unknown} text */
const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** @param {Table} table */
function asHtml({ head, rows }) {
  const line = (/** @type {string[]} */ cells, /** @type {string} */ tag) =>
    `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>\n`
  return `<table>\n${line(head, 'th')}${rows.map((row) => line(row, 'td')).join('')}</table>\n`
}

/** The results of a bench in a folder, the latest of each key. @param {string} folder @param {string} bench @returns {any[]} */
function resultsOf(folder, bench) {
  return [...new Map(readLines(join(folder, `${bench}.jsonl`)).map((result) => [result.key, result])).values()]
}

/**
 * Write report.html, which needs no other file, and an .svg of each recall plot, from all results in a folder.
 * @param {string} folder
 */
export async function writeReport(folder) {
  const parts = [
    ...recallParts(folder),
    ...scaleParts(resultsOf(folder, 'scale')),
    ...buildParts(resultsOf(folder, 'build')),
    ...kernelParts(resultsOf(folder, 'kernels')),
    ...paperParts(resultsOf(folder, 'paper')),
  ]
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>BATL: benchmarks</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 1000px; color: #222 }
table { border-collapse: collapse; margin: 1em 0; font-size: 13px; display: block; overflow-x: auto }
th, td { border-bottom: 1px solid #ddd; padding: 3px 8px; text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
svg { max-width: 100%; height: auto }
details { margin: 1em 0 } code { font-size: 12px }
</style>
<h1>BATL: benchmarks</h1>
<p>docs/benchmarks.md says what is measured and how to measure it again. Times are comparable within one machine's run only.</p>
${parts.join('\n')}
</html>
`
  writeFileSync(join(folder, 'report.html'), html)
}

/** @param {any[]} results */
function environments(results) {
  const all = new Set(
    results.flatMap(({ environment }) => (environment === undefined ? [] : [JSON.stringify(environment)])),
  )
  const lines = [...all]
    .map((text) => JSON.parse(text))
    .map(
      ({ cpu, cores, memoryGiB, system, node, commit, library }) =>
        `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, commit ${commit}, library ${library}`,
    )
  return `<p>${lines.map(escape).join('<br>')}</p>`
}

/** @param {string} folder */
function recallParts(folder) {
  const all = resultsOf(folder, 'recall')
  return [...new Set(all.map(({ set }) => set))].flatMap((set) => {
    const results = all.filter((result) => result.set === set)
    const points = results.filter(({ kind }) => kind === 'recall')
    const missing = results.filter(({ kind }) => kind === 'missing')
    const absent = missing.map(({ title, reason }) => `<p>${escape(title)} is missing: ${escape(reason)}</p>`)
    if (points.length === 0) return absent
    const { setName, rows, dim, metric, k, threads, queries } = points.at(-1)
    const single = recallPlot(points, setName, false)
    const batch = recallPlot(points, setName, true)
    writeFileSync(join(folder, `recall-${set}.svg`), single)
    writeFileSync(join(folder, `recall-${set}-batch.svg`), batch)
    return [
      `<h2>${escape(setName)}</h2>`,
      `<p>${rows.toLocaleString('en')} rows of ${dim}, ${metric}; k = ${k}, ${queries.toLocaleString('en')} queries, batches on ${threads} thread${threads === 1 ? '' : 's'}.</p>`,
      environments(points),
      asHtml(comparison(results)),
      asHtml(ratios(results)),
      ...absent,
      single,
      batch,
      memoryPlot(points, setName) ?? '',
      details(points),
    ]
  })
}

/** Every point, folded away. @param {any[]} points */
function details(points) {
  const head = ['engine', 'setting', 'recall', 'mean us', 'p50', 'p99', 'QPS', 'batch QPS', 'passes']
  const rows = points.map(({ title, setting, recall, meanUs, p50Us, p99Us, qps, batchQps, passes }) => [
    title,
    JSON.stringify(setting),
    recall.toFixed(4),
    ...[meanUs, p50Us, p99Us].map((time) => time.toFixed(1)),
    qps.toFixed(0),
    batchQps?.toFixed(0) ?? '-',
    String(passes),
  ])
  const made = new Map(
    points.map(({ title, build, versions, buildThreads }) => [title, { build, versions, buildThreads }]),
  )
  const settings = [...made].map(
    ([title, how]) => `<li>${escape(title)}: <code>${escape(JSON.stringify(how))}</code></li>`,
  )
  return `<details><summary>Every point, and how the indexes were built</summary><ul>${settings.join('')}</ul>${asHtml({ head, rows })}</details>`
}

/** @param {any[]} results */
function scaleParts(results) {
  if (results.length === 0) return []
  const curves = scaleCurves(results)
  return [
    '<h2>Scaling</h2>',
    environments(results),
    asHtml(scaleTable(results)),
    ...curves.map(({ quantity, lines }) => scalePlot(lines, quantity)),
  ]
}

/** @param {any[]} results */
function buildParts(results) {
  if (results.length === 0) return []
  return [
    '<h2>Build</h2>',
    environments(results),
    asHtml(buildTable(results)),
    phasePlot(latest(results, ['setName', 'threads', 'log'])),
  ]
}

/** @param {any[]} results */
function kernelParts(results) {
  if (results.length === 0) return []
  return ['<h2>Kernels</h2>', environments(results), asHtml(kernelTable(results))]
}

/** @param {any[]} results */
function paperParts(results) {
  const sets = [...new Set(results.map(({ set }) => set))]
  return sets.flatMap((set) => {
    const all = results.filter((result) => result.set === set)
    const own = latest(all, ['method'])
    const { setName, leaves } = own[0]
    const curves = own.filter(({ curve }) => curve !== undefined)
    return [
      `<h2>The paper's comparison: ${escape(setName)}, ${leaves} leaves</h2>`,
      environments(own),
      asHtml(paperTable(own)),
      candidatesPlot(curves, setName),
    ]
  })
}

// As a command, it draws the report anew: node bench/report/report.js [FOLDER]
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? 'bench/results'
  if (!existsSync(folder)) throw new Error(`there is no folder ${folder}; run a bench first`)
  await writeReport(folder)
}
