import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { BatlIndex, type BuildOptions, type IdArray } from '../../build/index.js'
import { loadGlove } from '../fixtures/load.js'
import { failure, sameBytes, searchEach, temporaryFolder } from './support.js'

const glove = loadGlove()
const { dim } = glove
const strings = Array.from({ length: 4500 }, (_, row) => `wörd ${row}`)
const CASES: Record<string, { size: number; options: BuildOptions }> = {
  'without a tree': { size: 700, options: { metric: 'ip' } },
  'one level, f16 rows': { size: 4500, options: { storage: 'f16', copies: 1 } },
  'two levels, cosine, string ids': { size: 4500, options: { metric: 'cosine', leafSize: 40, ids: strings } },
  'residual, two trees': { size: 4500, options: { metric: 'ip', router: 'residual', trees: 2, leafSize: 100 } },
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.remove())

describe.each(Object.entries(CASES))('an index saved and opened again: %s', (name, { size, options }) => {
  let index: BatlIndex<IdArray>
  let path: string
  beforeAll(async () => {
    const rows = glove.rows.subarray(0, size * dim)
    index = (await BatlIndex.build(rows, { dim, trainer: 'wasm', ...options })) as BatlIndex<IdArray>
    path = folder.path(`${name}.batl`)
    await index.save(path)
  })
  afterAll(() => index.close())

  /** Everything that an index can be asked, as text. */
  async function everything(asked: BatlIndex<IdArray>): Promise<unknown> {
    const { threads, phaseSeconds, ...stats } = asked.stats()
    const queries = glove.queries.subarray(0, 60 * dim)
    const ids = [...(asked.search(queries.subarray(0, dim), { k: 20 }).ids as Iterable<string>)]
    const { recall, candidatesPct, probes } = await asked.evaluate(queries, { recall: 0.8 })
    return {
      stats,
      answers: [{}, { recall: 0.7, k: 3 }, { recall: 1 }, { probes: 2, k: 50 }].map((o) =>
        searchEach(asked, queries, o),
      ),
      batch: await asked.searchBatch(queries, { threads: 1 }),
      byId: ids.map((id) => [asked.has(id), asked.get(id), asked.searchById(id)]),
      evaluated: [recall, candidatesPct, probes],
      known: threads > 0 && (phaseSeconds === undefined || phaseSeconds.read! >= 0),
    }
  }

  test('from a file, a URL, a Blob and bytes answers just as before', async () => {
    const wanted = await everything(index)
    const bytes = index.toBytes()
    const opened = [
      await BatlIndex.open<IdArray>(path),
      await BatlIndex.open<IdArray>(pathToFileURL(path)),
      await BatlIndex.open<IdArray>(new Blob([bytes])),
      await BatlIndex.fromBytes<IdArray>(bytes),
      await BatlIndex.fromBytes<IdArray>(bytes.buffer),
      await BatlIndex.fromBytes<IdArray>(Buffer.concat([Buffer.alloc(3), bytes]).subarray(3)),
    ]
    for (const other of opened) {
      expect(await everything(other)).toEqual(wanted)
      expect(sameBytes(other.toBytes(), bytes)).toBe(true)
      await other.close()
    }
  })

  test('toBytes, the file and what an opened index saves are the same bytes', async () => {
    const bytes = index.toBytes()
    expect(Object.prototype.toString.call(bytes.buffer)).toBe('[object ArrayBuffer]')
    expect(bytes.buffer.byteLength).toBe(bytes.length)
    expect(sameBytes(await readFile(path), bytes)).toBe(true)
    const opened = await BatlIndex.open(path)
    await opened.save(folder.path('again.batl'))
    expect(sameBytes(await readFile(folder.path('again.batl')), bytes)).toBe(true)
    await opened.close()
  })
})

describe('save', () => {
  let index: BatlIndex
  beforeAll(async () => {
    index = await BatlIndex.build(glove.rows.subarray(0, 4000 * dim), { dim })
  })
  afterAll(() => index.close())

  test('replaces the file before, and leaves nothing beside it', async () => {
    const path = folder.path('replaced.batl')
    await writeFile(path, 'old')
    await index.save(path)
    expect((await stat(path)).size).toBe(index.toBytes().length)
    expect((await readdir(folder.path('.'))).filter((name) => name.includes('replaced'))).toEqual(['replaced.batl'])
  })

  test('that is aborted leaves the file before', async () => {
    const path = folder.path('kept.batl')
    await writeFile(path, 'old')
    const reason = new Error('no more')
    expect(await failure(() => index.save(path, { signal: AbortSignal.abort(reason) }))).toBe(reason)
    const controller = new AbortController()
    const saving = failure(() => index.save(path, { signal: controller.signal }))
    controller.abort(reason)
    expect(await saving).toBe(reason)
    expect(await readFile(path, 'utf8')).toBe('old')
    expect((await readdir(folder.path('.'))).filter((name) => name.includes('kept'))).toEqual(['kept.batl'])
  })

  test('an open that is aborted rejects with the reason', async () => {
    const path = folder.path('abort.batl')
    await index.save(path)
    const reason = new Error('no more')
    expect(await failure(() => BatlIndex.open(path, { signal: AbortSignal.abort(reason) }))).toBe(reason)
    const bytes = index.toBytes()
    expect(await failure(() => BatlIndex.fromBytes(bytes, { signal: AbortSignal.abort(reason) }))).toBe(reason)
  })

  test('fromBytes copies the bytes', async () => {
    const bytes = index.toBytes()
    const opened = await BatlIndex.fromBytes(bytes)
    bytes.fill(0)
    expect(opened.search(glove.queries.subarray(0, dim))).toEqual(index.search(glove.queries.subarray(0, dim)))
    await opened.close()
  })
})
