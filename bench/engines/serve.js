// @ts-check
/**
 * The loop of an engine's process: one JSON object a line on stdin, one answer a line on file descriptor 3, so that what
 * an engine prints is in nobody's way. serve.py is the same for engines in Python.
 *
 *   { op: 'build', ... }    -> { seconds, peakBytes, info }
 *   { op: 'open', ... }     -> { openBytes, processBytes, info }
 *   { op: 'measure', ... }  -> { passes, batchSeconds, peakBytes }; ids and times go to files
 */
import { readFileSync, writeFileSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { memory } from './memory.js'

/**
 * One way to search, behind the same calls for all. `prepare` takes a setting in outside the clock; `search` answers one
 * query, `batch` all of them on so many threads; ids as the engine gives them. `finish` lays them out as [count x k].
 * @typedef {{
 *   build?: (job: any) => Promise<unknown>,
 *   open: (job: any) => Promise<unknown>,
 *   prepare: (setting: any, k: number) => unknown | Promise<unknown>,
 *   queries?: (rows: Float32Array[]) => any[],
 *   search: (query: any, k: number) => ArrayLike<number>,
 *   batch?: (queries: Float32Array, k: number, threads: number) => ArrayLike<number> | Promise<ArrayLike<number>>,
 * }} Engine
 */

/** Warm-up before every point: code that was just loaded, or tables that are cold, are slow. */
const WARM_CALLS = 1000
const WARM_MS = 500
const WARM_BATCH = 200

/** Answer requests until stdin ends. @param {Engine} engine */
export async function serve(engine) {
  /** @type {{ matrix: Float32Array, single: any[] }} */
  let asked = { matrix: new Float32Array(0), single: [] }
  const operations = /** @type {Record<string, (job: any) => Promise<unknown>>} */ ({
    build: async (job) => {
      const started = performance.now()
      const info = await engine.build?.(job)
      return { seconds: (performance.now() - started) / 1000, peakBytes: memory().peak, info }
    },
    open: async (job) => {
      globalThis.gc?.()
      const before = memory().now
      const info = await engine.open(job)
      globalThis.gc?.()
      const { now } = memory()
      asked = readQueries(job, engine)
      return { openBytes: now - before, processBytes: now, info }
    },
    measure: async (job) => {
      await engine.prepare(job.setting, job.k)
      const { passes, ids, times } = await single(engine, asked.single, job)
      writeFileSync(job.ids, ids)
      writeFileSync(job.times, times)
      const { seconds, batchIds } = await batches(engine, asked.matrix, job)
      if (batchIds !== undefined) writeFileSync(job.batchIds, batchIds)
      return { passes, batchSeconds: seconds, peakBytes: memory().peak }
    },
  })
  for await (const line of createInterface({ input: process.stdin })) {
    const { op, ...job } = JSON.parse(line)
    const answer = (await operations[op]?.(job)) ?? {}
    writeSync(3, `${JSON.stringify(answer)}\n`)
  }
}

/** @param {any} job @param {Engine} engine */
function readQueries({ queries, count, dim }, engine) {
  const bytes = readFileSync(queries)
  const matrix = new Float32Array(count * dim)
  matrix.set(new Float32Array(bytes.buffer, bytes.byteOffset + 8, count * dim))
  const rows = Array.from({ length: count }, (_, i) => matrix.subarray(i * dim, (i + 1) * dim))
  return { matrix, single: engine.queries?.(rows) ?? rows }
}

/** One query a call. @param {Engine} engine @param {any[]} queries @param {any} job */
async function single(engine, queries, { k, passes: wanted, seconds }) {
  const count = queries.length
  const warm = performance.now()
  for (let i = 0; i < WARM_CALLS && performance.now() - warm < WARM_MS; i++) engine.search(queries[i % count], k)
  const answers = /** @type {ArrayLike<number>[]} */ (new Array(count))
  const all = []
  const started = performance.now()
  while (all.length < wanted && (all.length === 0 || performance.now() - started < seconds * 1000)) {
    const times = new Float64Array(count)
    for (let i = 0; i < count; i++) {
      const start = performance.now()
      answers[i] = engine.search(queries[i], k)
      times[i] = (performance.now() - start) * 1000
    }
    all.push(times)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const times = new Float64Array(all.length * count)
  all.forEach((pass, i) => times.set(pass, i * count))
  const ids = new Int32Array(count * k).fill(-1)
  answers.forEach((answer, i) => {
    for (let j = 0; j < k && j < answer.length; j++) ids[i * k + j] = Number(answer[j])
  })
  return { passes: all.length, ids, times }
}

/** All queries in one call. @param {Engine} engine @param {Float32Array} matrix @param {any} job */
async function batches({ batch }, matrix, { k, threads, passes, seconds, dim }) {
  /** @type {number[]} */
  const taken = []
  if (batch === undefined) return { seconds: taken, batchIds: undefined }
  await batch(matrix.subarray(0, WARM_BATCH * dim), k, threads)
  /** @type {ArrayLike<number>} */
  let ids = []
  const started = performance.now()
  while (taken.length < passes && (taken.length === 0 || performance.now() - started < seconds * 1000)) {
    const start = performance.now()
    ids = await batch(matrix, k, threads)
    taken.push((performance.now() - start) / 1000)
  }
  return { seconds: taken, batchIds: Int32Array.from(ids, Number) }
}
