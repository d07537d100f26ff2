// @ts-check
/**
 * A search service: `node examples/fastify/server.js words.batl`, then
 * `curl localhost:3000/search -H 'content-type: application/json' -d '{"query":[0.1,0.2],"k":5}'`.
 *
 * The index is in memory once. Worker threads search it, so the thread that serves HTTP never waits for a search.
 */
import { availableParallelism } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { BatlIndex } from 'batl'
import fastify from 'fastify'
import { Piscina } from 'piscina'

const SEARCH_BODY = {
  type: 'object',
  required: ['query'],
  additionalProperties: false,
  properties: {
    query: { type: 'array', items: { type: 'number' } },
    k: { type: 'integer', minimum: 1, maximum: 1000 },
    recall: { type: 'number' },
  },
}

/**
 * @param {string} file - of an index.
 * @param {{ threads?: number }} [options]
 */
export async function createServer(file, { threads = availableParallelism() } = {}) {
  const index = await BatlIndex.open(file)
  const pool = new Piscina({
    filename: new URL('search-worker.js', import.meta.url).href,
    name: 'answer',
    workerData: index.share(),
    minThreads: threads,
    maxThreads: threads,
    // Beyond this many waiting searches it is kinder to say so than to let everyone wait.
    maxQueue: 10_000,
  })
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()

  const server = fastify()
  server.post('/search', { schema: { body: SEARCH_BODY } }, async (request, reply) => {
    const { query, ...options } = /** @type {{ query: number[] }} */ (request.body)
    const found = await pool.run({ query, options })
    // The caller's mistake: the code says which, and the message what to do.
    return found.code === undefined ? found : reply.code(400).send(found)
  })
  server.get('/health', () => ({
    size: index.size,
    waiting: pool.queueSize,
    eventLoopDelayMs: { mean: delay.mean / 1e6, p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 },
  }))
  server.addHook('onClose', async () => {
    delay.disable()
    await pool.destroy()
    await index.close()
  })
  return server
}

const [, program, file] = process.argv
if (program === import.meta.filename) {
  if (file === undefined) throw new Error('name the file of an index: node server.js words.batl')
  const server = await createServer(file)
  await server.listen({ port: Number(process.env['PORT'] ?? 3000) })
  console.log(`searching ${file} at`, server.server.address())
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void server.close())
}
