// @ts-check
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quantile } from '../../build/search/evaluate.js'
import { ENGINES } from '../engines/catalog.js'
import { EngineProcess } from '../harness/engine-process.js'
import { environment, libraryDigest, machine } from '../harness/environment.js'
import { builtIndex } from '../harness/indexes.js'
import { runtimeOf } from '../harness/install.js'
import { Results } from '../harness/results.js'
import { median } from '../harness/statistics.js'
import { sweepFamily } from './sweep.js'

/**
 * @typedef {{ name: string, set: import('../harness/data.js').PreparedSet, judge: import('../harness/judge.js').Judge,
 *   results: Results, k: number, threads: number, buildThreads: number, queries: number, passes: number, seconds: number,
 *   keep: boolean, quick: boolean,
 *   families?: (all: import('../engines/catalog.js').Family[]) => import('../engines/catalog.js').Family[] }} Job
 * @typedef {import('../engines/catalog.js').Engine} Engine
 * @typedef {Awaited<ReturnType<typeof openEngine>>} OpenEngine
 */

/** Families of an engine, and values of a family, that a quick run measures. */
const QUICK_FAMILIES = 2
const QUICK_VALUES = 3

/**
 * All points of one engine on one data set; what is finished already is not measured again. An engine that cannot be had
 * becomes a result that says why.
 * @param {Job} job
 */
export async function measureEngine(job) {
  const { name, set, results } = job
  const engine = ENGINES[name]
  if (engine === undefined || engine.suits?.(set) === false) return
  const missing = Results.key('missing', set.id, name)
  /** @type {OpenEngine | undefined} */
  let open
  try {
    open = await openEngine(job, engine)
    await sweepEngine(job, engine, open)
    results.remove(missing)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    process.stdout.write(`${name}: missing: ${reason}\n`)
    results.add({ key: missing, kind: 'missing', set: set.id, engine: name, title: engine.title, reason })
    if (engine.from === 'own') throw error
  } finally {
    await open?.end()
  }
}

/**
 * A process with an engine's index, built where it is not yet, and all queries.
 * @param {Job} job
 * @param {Engine} engine
 */
export async function openEngine({ name, set, threads, buildThreads, keep, ...job }, engine) {
  const runtime = await runtimeOf(engine)
  const source = engine.indexOf ?? name
  const settings = engine.build(set)
  const { from } = engine
  const built = await builtIndex({ name: source, from, settings, set, runtime, threads: buildThreads, keep })
  const child = new EngineProcess(runtime, threads)
  const work = mkdtempSync(join(tmpdir(), 'batl-bench-'))
  const end = async () => {
    await child.end()
    rmSync(work, { recursive: true, force: true })
  }
  try {
    const count = Math.min(job.queries, engine.queryLimit ?? job.queries)
    const { queries, dim } = set
    const opened = await child.ask({
      op: 'open',
      set,
      settings: built.settings,
      folder: built.folder,
      queries,
      count,
      dim,
    })
    return { runtime, built, child, work, count, opened, end }
  } catch (error) {
    await end()
    throw error
  }
}

/**
 * @param {Job} job
 * @param {Engine} engine
 * @param {OpenEngine} open
 */
async function sweepEngine(job, engine, open) {
  const { name, set, results, k, threads, quick } = job
  const { runtime, built, count, opened } = open
  const { settings } = built
  const all = engine.families(set, opened.info, k)
  const families = job.families?.(all) ?? all
  for (const family of quick ? families.slice(0, QUICK_FAMILIES).map(shortened) : families) {
    await sweepFamily(family, async (value) => {
      const setting = { ...family.fixed, [family.knob]: value }
      const version = engine.from === 'own' ? [libraryDigest(), built.library] : runtime.versions
      const where = machine()
      const key = Results.key('recall', set.id, name, version, where, settings, setting, k, threads, count)
      const kept = results.find(key)
      if (kept !== undefined) return kept
      const measured = await measure(job, open, setting)
      /** What the point is a point of, and what was measured once for all points of the engine. */
      const point = {
        key,
        kind: 'recall',
        set: set.id,
        setName: set.name,
        rows: set.size,
        dim: set.dim,
        metric: set.metric,
        engine: name,
        title: engine.title,
        build: settings,
        setting,
        knob: family.knob,
        k,
        threads,
        queries: count,
        ...measured,
        buildSeconds: built.seconds,
        buildThreads: built.threads,
        buildPeakBytes: built.peakBytes,
        openBytes: opened.openBytes,
        processBytes: opened.processBytes,
        fileBytesPerVector: built.fileBytes / set.size,
        ...(engine.from === 'own' ? { builtBy: built.library, trainer: built.info.trainer } : {}),
        versions: runtime.versions,
        environment: environment(),
      }
      results.add(point)
      process.stdout.write(line(point))
      return point
    })
  }
}

/** A family in a few points, near the end where recalls are high. @param {import('../engines/catalog.js').Family} family */
function shortened({ most: _, values, ...family }) {
  return { ...family, values: values.length > QUICK_VALUES ? values.slice(-QUICK_VALUES - 2, -2) : values }
}

/** @param {Pick<Job, 'k' | 'threads' | 'passes' | 'seconds' | 'set' | 'judge'>} job @param {OpenEngine} open @param {object} setting */
export async function measure({ k, threads, passes, seconds, set, judge }, { child, count, work }, setting) {
  const [ids, times, batchIds] = ['ids', 'times', 'batch-ids'].map((file) => join(work, file))
  const files = { ids, times, batchIds }
  const asked = { op: 'measure', setting, k, threads, passes, seconds, dim: set.dim, ...files }
  const { passes: done, batchSeconds, peakBytes } = await child.ask(asked)
  const latencies = doubles(times ?? '')
  const each = Array.from({ length: done }, (_, pass) => summary(latencies.subarray(pass * count, (pass + 1) * count)))
  const meanUs = median(each.map(({ mean }) => mean))
  const batch = median(batchSeconds)
  return {
    recall: judge.recall(integers(ids ?? '')),
    meanUs,
    p50Us: median(each.map(({ p50 }) => p50)),
    p99Us: median(each.map(({ p99 }) => p99)),
    qps: 1e6 / meanUs,
    passes: done,
    ...(batchSeconds.length > 0
      ? { batchRecall: judge.recall(integers(batchIds ?? '')), batchQps: count / batch, batchUs: (batch * 1e6) / count }
      : {}),
    searchPeakBytes: peakBytes,
  }
}

/** @param {string} path */
function doubles(path) {
  const bytes = Uint8Array.from(readFileSync(path))
  return new Float64Array(bytes.buffer)
}

/** @param {string} path */
function integers(path) {
  const bytes = Uint8Array.from(readFileSync(path))
  return new Int32Array(bytes.buffer)
}

/** @param {Float64Array} times */
function summary(times) {
  const sorted = times.slice().sort()
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length
  return { mean, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) }
}

/** @param {any} point */
function line({ engine, setting, recall, meanUs, p99Us, batchUs }) {
  const batch = batchUs === undefined ? '' : `, ${batchUs.toFixed(1)} us in a batch`
  const knobs = Object.entries(setting).map(([name, value]) => `${name} ${value}`)
  return `${engine} ${knobs.join(' ')}: recall ${recall.toFixed(4)}, ${meanUs.toFixed(1)} us, p99 ${p99Us.toFixed(0)}${batch}\n`
}
