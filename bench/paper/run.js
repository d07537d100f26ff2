// @ts-check
/**
 * The comparison of the paper (Li et al., KDD 2023), as far as its data can be had: partitions with as many leaves, and HNSW.
 *
 *   npm run bench:paper -- [--data sift-1m,glove-100] [--rows 100000] [--arity 32] [--depth 2] [--out DIR] [--quick]
 *
 * Finished methods are kept; --methods names some of them, with a semicolon in between. --trees and --rounds are of the
 * published method alone.
 */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { prepareSet } from '../harness/data.js'
import { environment, libraryDigest, machine } from '../harness/environment.js'
import { Judge } from '../harness/judge.js'
import { Results } from '../harness/results.js'
import { columnsOf } from '../recall/columns.js'
import { measureEngine } from '../recall/measure.js'
import { writeReport } from '../report/report.js'
import { asText, paperTable } from '../report/tables.js'
import { METHODS, reachedBy } from './methods.js'

const HNSW = 'HNSW (hnswlib)'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    rows: { type: 'string' },
    arity: { type: 'string' },
    depth: { type: 'string', default: '2' },
    rounds: { type: 'string' },
    trees: { type: 'string' },
    epochs: { type: 'string' },
    queries: { type: 'string' },
    methods: { type: 'string' },
    out: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const { quick } = values
const out = values.out ?? (quick ? 'bench/.cache/quick' : 'bench/results')
const number = (/** @type {string | undefined} */ value, /** @type {number} */ usual) => Number(value ?? usual)
const results = new Results(join(out, 'paper.jsonl'))
const [arity, depth] = [number(values.arity, quick ? 8 : 32), Number(values.depth)]
const [rounds, trees] = [number(values.rounds, quick ? 1 : 8), number(values.trees, quick ? 1 : 4)]
const shape = { arity, depth, rounds, trees, epochs: number(values.epochs, quick ? 2 : 20) }

/** Its paper-size network alone trains for a minute on the smallest tree: a quick run leaves it to the tests. */
const PUBLISHED = 'BATL as published'
const all = [...Object.keys(METHODS), HNSW].filter((method) => !quick || method !== PUBLISHED)
/** What the published method is asked for stands in its name: no other has trees or rounds. @param {string} method */
const nameOf = (method) =>
  method === PUBLISHED ? `${method}, ${trees === 1 ? 'one tree' : `${trees} trees`}, ${rounds} rounds` : method
const methods = values.methods?.split(';') ?? all

/** @param {import('../harness/data.js').PreparedSet} set @param {Judge} judge @param {number} queries */
async function graph(set, judge, queries) {
  const points = new Results(join(out, 'paper-points.jsonl'))
  await measureEngine({
    name: 'hnswlib',
    set,
    judge,
    results: points,
    k: 10,
    threads: 1,
    buildThreads: availableParallelism(),
    queries,
    passes: 1,
    seconds: 6,
    keep: false,
    quick,
  })
  const [column] = columnsOf(points.all().filter((point) => point.set === set.id))
  if (column === undefined) return undefined
  const { singleUs, points: own } = column
  const [first] = own
  const reached = singleUs.map((us) => ({ us }))
  return { seconds: first.buildSeconds, bytesPerVector: first.fileBytesPerVector, reached }
}

for (const spec of (values.data ?? (quick ? 'fixture' : 'sift-1m,glove-100')).split(',')) {
  const set = await prepareSet(spec, { rows: number(values.rows, quick ? 5000 : 100_000) })
  const judge = await Judge.of(set, 10)
  const queries = Math.min(set.queryCount, number(values.queries, quick ? 100 : 2000))
  for (const method of methods) {
    const key = Results.key('paper', set.id, method, shape, queries, libraryDigest(), machine())
    if (results.find(key) !== undefined) continue
    const common = {
      key,
      kind: 'paper',
      set: set.id,
      setName: set.name,
      method: nameOf(method),
      environment: environment(),
    }
    if (method === HNSW) {
      const outcome = await graph(set, judge, queries)
      if (outcome !== undefined) results.add({ ...common, ...outcome })
      continue
    }
    const build = METHODS[method]
    if (build === undefined) throw new Error(`--methods has '${method}'; there are ${Object.keys(METHODS).join('; ')}`)
    const { points, ...outcome } = await build({ set, judge, ...shape, queries })
    const curve = points.map(({ candidatesPct, recall }) => [candidatesPct, recall])
    results.add({ ...common, ...outcome, points, curve, reached: reachedBy(points) })
  }
  process.stdout.write(`\n${set.name}\n${asText(paperTable(results.all().filter((result) => result.set === set.id)))}`)
}
await writeReport(out)
