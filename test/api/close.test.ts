import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { BatlIndex, ClosedError } from '../../build/index.js'
import { clusteredRows, failure, sameBytes, settles, temporaryFolder, threadCount } from './support.js'

const DIM = 16
const rows = clusteredRows(6000, DIM) as Float32Array
const query = rows.subarray(0, DIM)

let folder: Awaited<ReturnType<typeof temporaryFolder>>
/** An index of 6,000 rows, to be opened anew. */
let large: Uint8Array
beforeAll(async () => {
  folder = await temporaryFolder()
  await using index = await BatlIndex.build(rows, { dim: DIM, trainer: 'wasm' })
  large = index.toBytes()
})

/** A fresh index of that many rows: 6,000 have a tree, fewer share one memory. */
function make(count: number): Promise<BatlIndex> {
  return count === 6000
    ? BatlIndex.fromBytes(large)
    : BatlIndex.build(rows.subarray(0, count * DIM), { dim: DIM, trainer: 'wasm' })
}
afterAll(() => folder.remove())

describe.each([500, 6000])('a closed index of %i rows', (count) => {
  let index: BatlIndex
  beforeAll(async () => {
    index = await make(count)
    await index.searchBatch(rows.subarray(0, DIM * 40))
    await index.close()
  })

  test.each<[string, (index: BatlIndex) => unknown]>([
    ['search', (i) => i.search(query)],
    ['searchById', (i) => i.searchById(0)],
    ['searchBatch', (i) => i.searchBatch([...[Array.from(query)]])],
    ['has', (i) => i.has(0)],
    ['get', (i) => i.get(0)],
    ['evaluate', (i) => i.evaluate([Array.from(query)])],
    ['stats', (i) => i.stats()],
    ['save', (i) => i.save(folder.path('closed.batl'))],
    ['toBytes', (i) => i.toBytes()],
    ['share', (i) => i.share()],
  ])('%s throws ClosedError', async (_, call) => {
    const error = await failure(() => call(index))
    expect(error).toBeInstanceOf(ClosedError)
    expect(error.code).toBe('BATL_CLOSED')
  })

  test('closes again, and still says what it was', async () => {
    await index.close()
    index[Symbol.dispose]()
    await index[Symbol.asyncDispose]()
    expect([index.size, index.dim, index.metric]).toEqual([count, DIM, 'l2'])
  })
})

describe('close', () => {
  test.each([
    ['close', (index: BatlIndex) => index.close()],
    ['Symbol.dispose', (index: BatlIndex) => index[Symbol.dispose]()],
    ['Symbol.asyncDispose', (index: BatlIndex) => index[Symbol.asyncDispose]()],
  ])('by %s ends the worker threads', async (_, end) => {
    const before = threadCount()
    const index = await make(6000)
    await index.searchBatch(rows, { threads: 2 })
    expect(threadCount()).toBeGreaterThan(before)
    await end(index)
    await expect(settles(() => threadCount() <= before)).resolves.toBe(true)
    expect((await failure(() => index.search(query))).code).toBe('BATL_CLOSED')
  })

  test('`using` closes at the end of the block', async () => {
    let kept: BatlIndex
    {
      await using index = await make(500)
      kept = index
      expect(index.has(3)).toBe(true)
    }
    expect((await failure(() => kept.has(3))).code).toBe('BATL_CLOSED')
  })

  test.each([500, 6000])('makes batches and evaluations under way reject: %i rows', async (count) => {
    const before = threadCount()
    const long = new Float32Array(20_000 * DIM).fill(1)
    for (const wait of [0, 0, 3, 30]) {
      const index = await make(count)
      const calls = [
        failure(() => index.searchBatch(long, { recall: 1, threads: 2 })),
        failure(() => index.evaluate(long, { recall: 1 })),
        failure(() => index.searchBatch(long, { recall: 1, threads: 1 })),
      ]
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      await index.close()
      for (const error of await Promise.all(calls)) expect([wait, error.code]).toEqual([wait, 'BATL_CLOSED'])
    }
    // None of them started threads after the close.
    await expect(settles(() => threadCount() <= before)).resolves.toBe(true)
  })

  test('during a save leaves no file, or the whole one', async () => {
    for (const count of [500, 6000]) {
      const path = folder.path(`saved-${count}.batl`)
      const index = await make(count)
      const bytes = index.toBytes()
      const saving = index.save(path).then(
        () => 'saved',
        (error: { code: string }) => error.code,
      )
      await index.close()
      // Whatever the next index does with the memory must not show in the file.
      const other = await make(count)
      if ((await saving) === 'saved') expect(sameBytes(await readFile(path), bytes)).toBe(true)
      else expect(await saving).toBe('BATL_CLOSED')
      await other.close()
      expect((await readdir(folder.path('.'))).filter((name) => name.endsWith('.tmp'))).toEqual([])
    }
  })

  test('gives the memory of small indexes to the next ones', async () => {
    const peaks: number[] = []
    for (let round = 0; round < 3; round++) {
      const many = await Promise.all(Array.from({ length: 40 }, () => make(1000)))
      peaks.push(process.memoryUsage().arrayBuffers + process.memoryUsage().external)
      await Promise.all(many.map((index) => index.close()))
    }
    expect(peaks[2]! - peaks[0]!).toBeLessThan(16 << 20)
  })
})

test('500 indexes of 1,000 rows are open at once', async () => {
  const threads = threadCount()
  const indexes: BatlIndex[] = []
  for (let n = 0; n < 500; n++) {
    const from = (n * 9) % 5000
    indexes.push(await BatlIndex.build(rows.subarray(from * DIM, (from + 1000) * DIM), { dim: DIM }))
  }
  const opened = await BatlIndex.fromBytes(indexes[499]!.toBytes())
  expect(opened.search(query)).toEqual(indexes[499]!.search(query))
  indexes.forEach((index, n) => {
    const from = (n * 9) % 5000
    const row = rows.subarray((from + 7) * DIM, (from + 8) * DIM)
    expect(index.search(row, { k: 1 })).toEqual({ ids: Uint32Array.of(7), distances: Float32Array.of(0) })
  })
  expect(threadCount()).toBe(threads)
  await Promise.all([...indexes, opened].map((index) => index.close()))
})

describe('a process', () => {
  const run = promisify(execFile)
  const library = fileURLToPath(new URL('../../build/index.js', import.meta.url))
  const script = (body: string): string[] => [
    '--input-type=module',
    '-e',
    `import { BatlIndex } from ${JSON.stringify(`file://${library}`)}
     const rows = Float32Array.from({ length: 5000 * 4 }, (_, i) => (i * 7919) % 101)
     const index = await BatlIndex.build(rows, { dim: 4, trainer: 'wasm' })
     ${body}
     process.stdout.write('done')`,
  ]

  test.each([
    ['with an open index and an idle pool', 'await index.searchBatch(rows.subarray(0, 400))'],
    ['with a closed index', 'await index.searchBatch(rows.subarray(0, 400)); await index.close()'],
    ['with a disposed index', 'await index.searchBatch(rows.subarray(0, 400)); index[Symbol.dispose]()'],
  ])('%s ends by itself', async (_, body) => {
    const { stdout } = await run(process.execPath, script(body), { timeout: 30_000 })
    expect(stdout).toBe('done')
  })
})

describe('share and attach', () => {
  /** Search in a thread of its own; it answers with what it found. */
  function searchApart(handle: unknown, queries: Float32Array): Promise<Record<string, unknown>> {
    const thread = new Worker(new URL('attach-worker.mjs', import.meta.url), { workerData: { handle, queries } })
    return new Promise((resolve, reject) => {
      thread.once('message', resolve)
      thread.once('error', reject)
    }).finally(() => thread.terminate()) as Promise<Record<string, unknown>>
  }

  test.each([800, 6000])('other threads give the same answers: %i rows', async (count) => {
    const ids = Array.from({ length: count }, (_, row) => `id ${row}`)
    const options = { dim: DIM, ids, metric: 'cosine', trainer: 'wasm' } as const
    const index = await BatlIndex.build(rows.subarray(0, count * DIM), options)
    const queries = rows.slice(0, 30 * DIM)
    const batch = await index.searchBatch(queries, { k: 4, threads: 1 })
    const wanted = { ids: [...batch.ids], distances: batch.distances, size: count, row: index.get('id 5'), known: true }
    const found = await Promise.all([searchApart(index.share(), queries), searchApart(index.share(), queries)])
    for (const answer of found) expect(answer).toEqual(wanted)

    // The thread that shared may close first: who attached keeps what it has.
    const attached = await BatlIndex.attach(index.share())
    await index.close()
    const next = await make(count)
    const after = await attached.searchBatch(queries, { k: 4, threads: 1 })
    expect([...after.ids]).toEqual([...batch.ids])
    expect(after.distances).toEqual(batch.distances)
    await Promise.all([attached.close(), next.close()])
  })
})
