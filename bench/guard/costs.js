// @ts-check
import { buildIndex } from '../../build/builder/build.js'
import { Searcher } from '../../build/search/searcher.js'
import { paddedBytes } from '../../build/tree/router.js'
import { Judge } from '../harness/judge.js'

/** Recalls at which the work is counted. */
const TARGETS = [0.9, 0.95, 0.99]
const K = 10
/** Builds that costs are the mean of: those of one stray by some 6% from seed to seed. */
const SEEDS = 6

/**
 * Work of one query on average. `codes`: compressed codes compared; `rows`: rows compared exactly; `bytes`: of codes, rows
 * and router that are read; `multiplyAdds`: of router and rows.
 * @typedef {{ codes: number, rows: number, bytes: number, multiplyAdds: number }} Costs
 */

/**
 * Build indexes of a set with the default options but for the seed, and count what their queries cost at each recall, on
 * average: no clock has a say. The trainer is the one that comes with the package, so that every machine builds the same.
 * @param {import('../harness/data.js').PreparedSet} set
 * @returns {Promise<Record<string, Record<string, number>>>} by recall; `file`: bytes a vector of the saved index.
 */
export async function countCosts(set) {
  const judge = await Judge.of(set, K)
  const costs = Object.fromEntries(TARGETS.map((target) => [target, { codes: 0, rows: 0, bytes: 0, multiplyAdds: 0 }]))
  let file = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const options = { dim: set.dim, type: set.type, metric: set.metric, trainer: /** @type {const} */ ('wasm'), seed }
    const open = await buildIndex(judge.rows, options, 2)
    const searcher = new Searcher(open.arena, open.snapshot)
    /** @type {{ recall: number, costs: Costs }[]} */
    const points = []
    const rungs = open.snapshot.rungs.filter(({ k }) => k === K)
    for (const rung of rungs) points.push(measure(searcher, open.snapshot, judge, rung))
    searcher.close()
    for (const [target, sum] of Object.entries(costs)) {
      const found = interpolate(points, Number(target))
      sum.codes += found.codes / SEEDS
      sum.rows += found.rows / SEEDS
      sum.bytes += found.bytes / SEEDS
      sum.multiplyAdds += found.multiplyAdds / SEEDS
    }
    file += open.layout.length / set.size / SEEDS
  }
  return {
    ...Object.fromEntries(Object.entries(costs).map(([target, sum]) => [`recall ${target}`, sum])),
    file: { bytes: file },
  }
}

/**
 * @param {Searcher} searcher
 * @param {import('../../build/tree/snapshot.js').Snapshot} snapshot
 * @param {Judge} judge
 * @param {import('../../build/tree/snapshot.js').Rung} effort
 */
function measure(searcher, { dim, stride, codeBytes }, judge, effort) {
  const count = judge.set.queryCount
  const ids = new Uint32Array(count * K)
  const distances = new Float32Array(count * K)
  const sum = { codes: 0, rows: 0, bytes: 0, multiplyAdds: 0 }
  for (let i = 0; i < count; i++) {
    searcher.search(judge.queries.subarray(i * dim, (i + 1) * dim), K, effort, ids, distances, i * K)
    const { candidates, reranked, nodesScored } = searcher
    sum.codes += candidates
    sum.rows += reranked
    // Rows of the router have 8 bits a component.
    sum.bytes += candidates * codeBytes + reranked * stride + nodesScored * paddedBytes(dim)
    sum.multiplyAdds += (reranked + nodesScored) * dim
  }
  return { recall: judge.recall(ids), costs: scaled(sum, 1 / count) }
}

/** @param {Costs} costs @param {number} factor @returns {Costs} */
function scaled({ codes, rows, bytes, multiplyAdds }, factor) {
  return { codes: codes * factor, rows: rows * factor, bytes: bytes * factor, multiplyAdds: multiplyAdds * factor }
}

/**
 * Costs at a recall, between the two settings on its sides.
 * @param {{ recall: number, costs: Costs }[]} points - by ascending effort.
 * @param {number} wanted
 * @returns {Costs}
 */
export function interpolate(points, wanted) {
  const above = points.findIndex(({ recall }) => recall >= wanted)
  const high = points[above]
  if (high === undefined) throw new Error(`no setting reaches recall ${wanted}`)
  const low = points[above - 1]
  if (low === undefined) return high.costs
  const share = (wanted - low.recall) / (high.recall - low.recall)
  const [a, b] = [scaled(low.costs, 1 - share), scaled(high.costs, share)]
  return {
    codes: a.codes + b.codes,
    rows: a.rows + b.rows,
    bytes: a.bytes + b.bytes,
    multiplyAdds: a.multiplyAdds + b.multiplyAdds,
  }
}
