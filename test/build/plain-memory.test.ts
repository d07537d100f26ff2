import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serialize } from 'node:v8'
import type { BatlIndex as Index, BuildOptions } from '../../build/index.js'
import { failure, sameBytes, threadCount } from '../api/support.js'
import { loadGlove } from '../fixtures/load.js'

/**
 * A runtime whose threads share no memory, such as a page without cross-origin isolation: everything on one thread, in
 * plain memories. Here such a memory loses all views of it at every allocation, so that whoever holds one too long fails.
 */
delete (globalThis as { SharedArrayBuffer?: unknown }).SharedArrayBuffer
const { BatlIndex, exactSearch } = await import('../../build/index.js')
const { Arena } = await import('../../build/kernels/memory.js')
const { allocate } = Arena.prototype
Arena.prototype.allocate = function (bytes) {
  const address = allocate.call(this, bytes)
  this.memory.grow(0)
  return address
}

const glove = loadGlove()
const { dim } = glove
const rows = glove.rows.subarray(0, 5000 * dim)
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'batl-plain-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** The bytes of the same index, built on threads by another process. */
function builtOnThreads(options: BuildOptions): Uint8Array {
  const [input, output] = [join(folder, 'input'), join(folder, 'output')]
  writeFileSync(input, serialize({ rows, options }))
  execFileSync(process.execPath, [fileURLToPath(new URL('./threads-build.mjs', import.meta.url)), input, output])
  return readFileSync(output)
}

test('a plain memory it is, and an allocation leaves no view of it', () => {
  const arena = Arena.create()
  expect(arena.shared).toBe(false)
  const view = arena.u8(arena.allocate(64), 64)
  expect(view.length).toBe(64)
  arena.allocate(64)
  expect(view.length).toBe(0)
})

describe('a build on one thread gives the bytes of a build on threads', () => {
  const options: Record<string, BuildOptions> = {
    'l2, string ids': { metric: 'l2', ids: Array.from({ length: 5000 }, (_, i) => `row ${i}`) },
    'cosine, a log, two trees, an update, residual': {
      metric: 'cosine',
      queries: glove.queries,
      trees: 2,
      rounds: 1,
      router: 'residual',
      leafSize: 60,
    },
    'inner product, three levels': { metric: 'ip', arity: 5, leafSize: 40, copies: 1 },
  }
  test.each(Object.keys(options))('%s', async (name) => {
    const given: BuildOptions = { dim, trainer: 'wasm', ...options[name] }
    const threads = threadCount()
    let turns = 0
    const timer = setInterval(() => turns++, 5)
    const index = await BatlIndex.build(rows, given)
    clearInterval(timer)
    expect(threadCount()).toBe(threads)
    expect(turns).toBeGreaterThan(20)
    expect(sameBytes(index.toBytes(), builtOnThreads(given))).toBe(true)
    await index.close()
  })
})

describe('an index', () => {
  const row = (i: number): Int8Array => rows.subarray(i * dim, (i + 1) * dim) as Int8Array
  let tree: Index<Float64Array>
  let bytes: Uint8Array
  beforeAll(async () => {
    const ids = Array.from({ length: 5000 }, (_, i) => 2 * i)
    tree = await BatlIndex.build(rows, { dim, trainer: 'wasm', ids })
    bytes = tree.toBytes()
  })
  afterAll(() => tree.close())

  test('searches, alone and in batches, by id, and is measured', async () => {
    const { ids } = tree.search(row(7), { k: 4, recall: 1 })
    expect(ids[0]).toBe(14)
    // A larger heap takes more memory in the middle of a search.
    expect(tree.search(row(7), { k: 900 }).ids.length).toBe(900)
    expect(tree.searchById(14, { k: 3, recall: 1 }).ids).toEqual(ids.slice(1))
    const batch = await tree.searchBatch(rows.subarray(0, 300 * dim), { k: 2 })
    expect([...batch.ids].filter((id, i) => i % 2 === 0 && id === i).length).toBeGreaterThan(280)
    expect(tree.get(14)).toEqual(Float32Array.from(row(7)))
    expect((await tree.evaluate(glove.queries.subarray(0, 50 * dim))).recall).toBeGreaterThan(0.9)
    expect(tree.stats().size).toBe(5000)
    expect(await failure(() => tree.share())).toMatchObject({ code: 'BATL_UNSUPPORTED' })
  })

  test('opens again, many side by side, small ones in one memory', async () => {
    const small = await BatlIndex.build(rows.subarray(0, 500 * dim), {
      dim,
      ids: Array.from({ length: 500 }, (_, i) => `${i}`),
    })
    const copies = [tree.toBytes(), small.toBytes(), bytes, small.toBytes(), small.toBytes(), small.toBytes()]
    const opened = await Promise.all(copies.map((copy) => BatlIndex.fromBytes(copy)))
    opened.push(await BatlIndex.build(rows.subarray(0, 900 * dim), { dim }))
    for (const [i, index] of opened.entries()) {
      const first = index.search(row(9), { k: 1 }).ids[0] as unknown
      expect(first).toBe(i === 0 || i === 2 ? 18 : i === 6 ? 9 : '9')
      if (i < copies.length) expect(sameBytes(index.toBytes(), copies[i]!)).toBe(true)
    }
    const wrong = small.toBytes()
    wrong[wrong.length - 1]! ^= 1
    expect(await failure(() => BatlIndex.fromBytes(wrong))).toMatchObject({ code: 'BATL_FORMAT' })
    const path = join(folder, 'small.batl')
    await small.save(path)
    expect(sameBytes(readFileSync(path), small.toBytes())).toBe(true)
    await Promise.all([small, ...opened].map((index) => index.close()))
  })

  test('builds side by side do not disturb one another', async () => {
    const sizes = [300, 4500, 700, 900]
    const built = await Promise.all(
      sizes.map((size) => BatlIndex.build(rows.subarray(0, size * dim), { dim, trainer: 'wasm', leafSize: 100 })),
    )
    for (const index of built) expect(index.search(row(11), { k: 1, recall: 1 }).ids[0]).toBe(11)
    const again = await BatlIndex.build(rows.subarray(0, 4500 * dim), { dim, trainer: 'wasm', leafSize: 100 })
    expect(sameBytes(built[1]!.toBytes(), again.toBytes())).toBe(true)
    await Promise.all([...built, again].map((index) => index.close()))
  })

  test('an exact search and streamed rows', async () => {
    const { ids } = await exactSearch(rows, rows.subarray(0, 10 * dim), { dim, k: 1 })
    expect([...ids]).toEqual(Array.from({ length: 10 }, (_, i) => i))
    const stream = async function* (): AsyncGenerator<Int8Array> {
      for (let at = 0; at < rows.length; at += 700 * dim) yield rows.subarray(at, at + 700 * dim) as Int8Array
    }
    const ids2 = Array.from({ length: 5000 }, (_, i) => 2 * i)
    const streamed = await BatlIndex.build(stream(), { dim, trainer: 'wasm', ids: ids2 })
    expect(sameBytes(streamed.toBytes(), bytes)).toBe(true)
    await streamed.close()
  })

  test('an abort and an onProgress that throws end a build', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const onProgress = ({ phase }: { phase: string }): void => {
      if (phase === 'train') controller.abort(reason)
    }
    const { signal } = controller
    expect(await failure(() => BatlIndex.build(rows, { dim, trainer: 'wasm', signal, onProgress }))).toBe(reason)
    const throws = (): never => {
      throw reason
    }
    expect(await failure(() => BatlIndex.build(rows, { dim, trainer: 'wasm', onProgress: throws }))).toBe(reason)
  })
})
