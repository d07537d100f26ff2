import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BatlIndex } from '../../build/index.js'
import { loadGlove } from '../fixtures/load.js'

const program = fileURLToPath(new URL('../../examples/fastify/server.js', import.meta.url))
const glove = loadGlove()
const SIZE = 4000
const K = 7

interface Answer {
  ids: number[]
  distances: number[]
  thread: number
}

let folder: string
let index: BatlIndex
let server: ChildProcess
let address: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'batl-service-'))
  index = await BatlIndex.build(glove.rows.subarray(0, SIZE * glove.dim), { dim: glove.dim, metric: 'cosine' })
  await index.save(join(folder, 'words.batl'))
  server = spawn(process.execPath, [program, join(folder, 'words.batl')], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  for await (const text of server.stdout!.setEncoding('utf8')) {
    said += String(text)
    const port = /port: (\d+)/.exec(said)?.[1]
    if (port === undefined) continue
    address = `http://localhost:${port}`
    break
  }
  if (address === undefined) throw new Error(`the service did not start; it said: ${said}`)
})
afterAll(async () => {
  server.kill()
  await index.close()
  await rm(folder, { recursive: true, force: true })
})

async function ask(body: object): Promise<{ status: number; body: unknown }> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${address}/search`, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: response.status, body: await response.json() }
}

const queryOf = (q: number): number[] => Array.from(glove.queries.subarray(q * glove.dim, (q + 1) * glove.dim))

describe('the Fastify service', () => {
  test('answers many at once as the index itself does, on threads that are not its own, and goes on serving', async () => {
    const asked = Array.from({ length: 600 }, (_, i) => i % glove.queryCount)
    const answers = Promise.all(asked.map((q) => ask({ query: queryOf(q), k: K })))
    const health = await (await fetch(`${address}/health`)).json()
    expect(health).toMatchObject({ size: SIZE })
    const threads = new Set<number>()
    for (const [i, { status, body }] of (await answers).entries()) {
      expect(status).toBe(200)
      const { ids, distances, thread } = body as Answer
      const wanted = index.search(queryOf(asked[i]!), { k: K, recall: 1 })
      expect({ ids, distances }).toEqual({ ids: Array.from(wanted.ids), distances: Array.from(wanted.distances) })
      threads.add(thread)
    }
    // The thread that serves HTTP has the number 0.
    expect(threads).not.toContain(0)
    const { eventLoopDelayMs } = (await (await fetch(`${address}/health`)).json()) as {
      eventLoopDelayMs: { mean: number; p99: number; max: number }
    }
    const { mean, p99, max } = eventLoopDelayMs
    process.stdout.write(`event loop of the service, ms late: mean ${mean}, p99 ${p99}, max ${max}\n`)
    expect(mean).toBeGreaterThan(0)
    expect(max).toBeGreaterThanOrEqual(p99)
  })

  test.each([
    ['a query of another length', { query: [1, 2, 3] }, 'BATL_DIMENSION_MISMATCH'],
    ['a zero query', { query: new Array<number>(glove.dim).fill(0) }, 'BATL_INVALID_ARGUMENT'],
    ['a recall above 1', { query: queryOf(0), recall: 2 }, 'BATL_INVALID_ARGUMENT'],
    ['no query', { k: 3 }, 'FST_ERR_VALIDATION'],
  ])('says what is wrong with %s', async (_, body, code) => {
    const { status, body: answer } = await ask(body)
    expect(status).toBe(400)
    expect(answer).toMatchObject({ code, message: expect.stringMatching(/./) })
  })

  test('ends when it is told to', async () => {
    server.kill('SIGTERM')
    const [status] = (await once(server, 'exit')) as [number | null]
    expect(status).toBe(0)
  })
})
