// @ts-check
/**
 * What opening takes: checked and ready to search, against a plain read of the same warm file, and the first search after it.
 *
 *   npm run bench:open -- [--data NAME|DIR|FILE.hdf5] [--rows N] [--index FILE] [--passes N] [--quick]
 *
 * `--index` takes a saved index; otherwise one is built in a temporary folder. All is measured in one process, in turns.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BatlIndex } from '../../build/index.js'
import { prepareSet } from '../harness/data.js'
import { median } from '../harness/statistics.js'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    rows: { type: 'string' },
    index: { type: 'string' },
    passes: { type: 'string', default: '15' },
    quick: { type: 'boolean', default: false },
  },
})
/** Bytes of a plain read into one buffer. */
const READ = 8 << 20
const passes = values.quick ? 5 : Number(values.passes)
const folder = mkdtempSync(join(tmpdir(), 'batl-bench-'))

/** @param {() => unknown} work */
async function timed(work) {
  const start = performance.now()
  const result = await work()
  return { ms: performance.now() - start, result }
}

/** The bytes of a file through one small buffer: the least that reading takes. @param {string} path */
async function readThrough(path) {
  const file = await open(path)
  const buffer = Buffer.allocUnsafe(READ)
  let bytes = 0
  for (let got = -1; got !== 0; bytes += got) got = (await file.read(buffer, 0, READ, bytes)).bytesRead
  await file.close()
  return bytes
}

/** @param {string} path */
async function build(path) {
  const rows = values.rows === undefined ? (values.quick ? 5000 : 100_000) : Number(values.rows)
  const set = await prepareSet(values.data ?? (values.quick ? 'fixture' : 'sift-1m'), { rows })
  const index = await BatlIndex.build(set.rows, { metric: set.metric })
  await index.save(path)
  await index.close()
}

try {
  const path = values.index ?? join(folder, 'index.batl')
  if (values.index === undefined) await build(path)
  /** @type {{ through: number[], whole: number[], open: number[], first: number[] }} */
  const times = { through: [], whole: [], open: [], first: [] }
  let bytes = 0
  for (let pass = 0; pass < passes; pass++) {
    const through = await timed(() => readThrough(path))
    bytes = Number(through.result)
    times.through.push(through.ms)
    times.whole.push((await timed(() => readFile(path))).ms)
    const opened = await timed(() => BatlIndex.open(path, { threads: 1 }))
    times.open.push(opened.ms)
    const index = /** @type {BatlIndex} */ (opened.result)
    const query = new Float32Array(index.dim).fill(1)
    times.first.push((await timed(() => index.search(query))).ms)
    await index.close()
  }
  const ms = Object.fromEntries(Object.entries(times).map(([name, all]) => [name, Number(median(all).toFixed(2))]))
  const share = (/** @type {number[]} */ of) => Number((median(times.open) / median(of)).toFixed(2))
  process.stdout.write(
    `${JSON.stringify({
      bytes,
      passes,
      medianMs: ms,
      firstOfAllMs: Number((times.first[0] ?? NaN).toFixed(2)),
      openByReadThrough: share(times.through),
      openByReadFile: share(times.whole),
    })}\n`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
