// @ts-check
/** The pictures, as SVG text: Apache ECharts draws them without a browser. */
import * as echarts from 'echarts'
import { columnsOf } from '../recall/columns.js'
import { pointAt } from '../recall/sweep.js'

const SIZE = { width: 900, height: 520 }
/** Ours first; distinct for readers who do not tell red from green (Okabe and Ito). */
const COLOURS = [
  '#d55e00',
  '#e69f00',
  '#0072b2',
  '#56b4e9',
  '#009e73',
  '#cc79a7',
  '#7f7f7f',
  '#000000',
  '#8c6d31',
  '#6a3d9a',
]
const OWN = /** @type {Record<string, string>} */ ({ batl: '#d55e00', 'batl-log': '#b2182b', exact: '#999999' })

/** The same engine has the same colour in every picture. @param {string} engine @param {string[]} all */
function colour(engine, all) {
  const others = all.filter((name) => OWN[name] === undefined)
  return OWN[engine] ?? COLOURS[2 + (others.indexOf(engine) % (COLOURS.length - 2))] ?? '#000000'
}

/** @param {import('echarts').EChartsOption} option */
function draw(option) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...SIZE })
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      grid: { left: 80, right: 40, top: 60, bottom: 110 },
      legend: { bottom: 8, icon: 'circle', itemGap: 24 },
      ...option,
    })
    return chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
}

/** @param {string} name @param {object} [more] @returns {any} */
const axis = (name, more) => ({ name, nameLocation: 'middle', nameGap: 45, ...more })
/** @param {string} text */
const title = (text) => ({ text, left: 'center', textStyle: { fontSize: 16 } })

/**
 * Recall against queries a second, of one data set.
 * @param {any[]} results @param {string} name @param {boolean} batch
 */
export function recallPlot(results, name, batch) {
  const columns = columnsOf(results)
  const engines = columns.map(({ engine }) => engine)
  const series = columns.map(({ engine, title, single, batch: batches }) => ({
    type: /** @type {const} */ ('line'),
    name: title,
    color: colour(engine, engines),
    lineStyle: { width: OWN[engine] === undefined ? 1.5 : 3 },
    symbolSize: 5,
    data: batch
      ? batches.map(({ batchRecall, batchQps }) => [batchRecall, batchQps])
      : single.map(({ recall, qps }) => [recall, qps]),
  }))
  const how = batch ? 'one batch on one thread' : 'one query a call'
  return draw({
    title: title(`${name}: ${how}`),
    xAxis: axis('recall@10', { type: 'value', min: 0.8, max: 1, interval: 0.05, nameGap: 30 }),
    yAxis: axis('queries a second', { type: 'log' }),
    series: series
      .map((one) => ({ ...one, data: one.data.filter(([recall = 0]) => recall >= 0.8) }))
      .filter(({ data }) => data.length > 0),
  })
}

/**
 * Memory after opening against the recall that each engine reaches in the same time: the median of the engines' times
 * at .95, or at .9 where none reaches that.
 * @param {any[]} results @param {string} name
 */
export function memoryPlot(results, name) {
  const columns = columnsOf(results)
  const engines = columns.map(({ engine }) => engine)
  const times = [1, 0].map((at) => columns.flatMap(({ singleUs }) => singleUs[at] ?? []).sort((a, b) => a - b))
  const [found = []] = times.filter(({ length }) => length > 0)
  const budget = found[found.length >> 1]
  if (budget === undefined) return undefined
  const series = columns.flatMap(({ engine, title, single, points: [first] }) => {
    const recall = recallWithin(single, budget)
    if (recall === undefined) return []
    const data = [[first.openBytes / first.rows, recall]]
    return [
      { type: /** @type {const} */ ('scatter'), name: title, color: colour(engine, engines), symbolSize: 14, data },
    ]
  })
  return draw({
    title: title(`${name}: recall within ${budget.toFixed(0)} us a query`),
    xAxis: axis('bytes a vector in memory after opening', { type: 'value', nameGap: 30 }),
    yAxis: axis('recall@10', { type: 'value', scale: true, max: 1 }),
    series,
  })
}

/** The recall that a front reaches at a time: the inverse of `pointAt`. @param {any[]} single @param {number} budget */
function recallWithin(single, budget) {
  const points = single.map(({ recall, meanUs }) => ({ recall, time: meanUs })).filter(({ time }) => time > 0)
  const last = points.at(-1)
  if (last !== undefined && last.time <= budget) return last.recall
  let best = points.filter(({ time }) => time <= budget).at(-1)?.recall
  if (best === undefined) return undefined
  for (let recall = best; recall < 1; recall += 0.0005) {
    const time = pointAt(points, recall)?.time
    if (time === undefined || time > budget) break
    best = recall
  }
  return best
}

/** Bars of build phases, one for each data set and number of threads. @param {any[]} builds */
export function phasePlot(builds) {
  const phases = [...new Set(builds.flatMap(({ phaseSeconds }) => Object.keys(phaseSeconds)))]
  const names = builds.map(({ setName, threads }) => `${setName}, ${threads} thread${threads === 1 ? '' : 's'}`)
  return draw({
    title: title('build, by phase'),
    grid: { left: 230, right: 40, top: 60, bottom: 110 },
    xAxis: axis('seconds', { type: 'value', nameGap: 30 }),
    yAxis: { type: 'category', data: names },
    series: phases.map((phase, i) => ({
      type: /** @type {const} */ ('bar'),
      stack: 'phases',
      name: phase,
      color: COLOURS[i % COLOURS.length] ?? '#000000',
      data: builds.map(({ phaseSeconds }) => phaseSeconds[phase] ?? 0),
    })),
  })
}

/**
 * A quantity against the number of rows, both axes logarithmic, with the fitted lines' exponents in the legend.
 * @param {any[]} curves - { name, points: [rows, value][], exponent }
 * @param {string} quantity
 */
export function scalePlot(curves, quantity) {
  return draw({
    title: title(`${quantity} against rows`),
    xAxis: axis('rows', { type: 'log', nameGap: 30 }),
    yAxis: axis(quantity, { type: 'log' }),
    series: curves.map(({ name, points, exponent }, i) => ({
      type: /** @type {const} */ ('line'),
      name: exponent === undefined ? name : `${name}: rows^${exponent.toFixed(2)}`,
      color: COLOURS[i % COLOURS.length] ?? '#000000',
      data: points,
    })),
  })
}

/**
 * Recall against rows looked at, of partitions with as many leaves.
 * @param {any[]} results @param {string} name
 */
export function candidatesPlot(results, name) {
  return draw({
    title: title(`${name}: rows looked at`),
    xAxis: axis('rows looked at, %', { type: 'log', nameGap: 30 }),
    yAxis: axis('recall@10', { type: 'value', min: 0.5, max: 1 }),
    series: results.map(({ method, curve }, i) => ({
      type: /** @type {const} */ ('line'),
      name: method,
      symbol: 'none',
      color: COLOURS[i % COLOURS.length] ?? '#000000',
      data: curve,
    })),
  })
}
