import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import { Worker } from 'node:worker_threads'
import { Rng } from '../../../build/base/rng.js'
import { ClosedError } from '../../../build/base/errors.js'
import { nextMemoryKey } from '../../../build/open.js'
import { Pace } from '../../../build/format/pace.js'
import { auctionBytes, layAuction } from '../../../build/partition/balance.js'
import { arenaOf } from '../../../build/pool/arenas.js'
import { during } from '../../../build/pool/during.js'
import { HerePool } from '../../../build/pool/here.js'
import { PiscinaPool } from '../../../build/pool/piscina.js'
import { PortPool, startWorkers } from '../../../build/pool/ports.js'
import type { WorkerPool } from '../../../build/pool/pool.js'
import { restPool, restThread } from '../../../build/pool/rest.js'
import { loadBuildKernels } from '../../../build/kernels/load-build.js'
import { Arena } from '../../../build/kernels/memory.js'
import { rowStride } from '../../../build/base/matrix.js'
import type { PointTable } from '../../../build/partition/points.js'
import { failure, settles, threadCount } from '../../api/support.js'

// One of the tasks is of building.
await loadBuildKernels()

const SIZE = 500
const DIM = 5
const arena = Arena.create()
const rows = arena.allocate(SIZE * rowStride('f32', DIM))
const rng = new Rng(1)
const stride = rowStride('f32', DIM) / 4
for (let row = 0; row < SIZE; row++) {
  const values = arena.f32(rows + row * stride * 4, DIM)
  for (let d = 0; d < DIM; d++) values[d] = rng.normal()
}
const key = nextMemoryKey()
const points: PointTable = {
  memory: arena.memory,
  key,
  rows,
  scales: 0,
  size: SIZE,
  dim: DIM,
  metric: 'l2',
  rowType: 'f32',
}

/** Input of an exact scan of some queries, and where its answers go. */
function scan(
  count: number,
  k = 1,
): {
  queries: Float32Array
  outIds: Uint32Array
  outDistances: Float32Array
  k: number
  order: number
  points: PointTable
} {
  const queries = new Float32Array(new SharedArrayBuffer(count * DIM * 4))
  for (let q = 0; q < count; q++) queries.set(arena.f32(rows + (q % SIZE) * stride * 4, DIM), q * DIM)
  const outIds = new Uint32Array(new SharedArrayBuffer(count * k * 4))
  const outDistances = new Float32Array(new SharedArrayBuffer(count * k * 4))
  return { points, order: 0, queries, k, outIds, outDistances }
}

/** Bytes of a memory that only one step of a build needs. */
const STEP_BYTES = 128 << 20

/** Such a step, on every thread. */
async function work(pool: WorkerPool): Promise<void> {
  const step = Arena.create()
  step.u8(step.allocate(STEP_BYTES), STEP_BYTES).fill(1)
  const shape = { count: 8, length: 1, leafCount: 1, dense: false }
  const auction = layAuction(shape, step.allocate(auctionBytes(shape)))
  await pool.each('auction', 8, 1, { table: { memory: step.memory, key: -1_000_000, auction }, kind: 'choose' })
}

/** Each kind of pool: threads of Piscina, workers behind ports, and the caller's own thread. */
const kinds: Record<string, (many: number) => Promise<WorkerPool | undefined>> = {
  piscina: (threads) =>
    PiscinaPool.start(() => new URL('../../../build/pool/piscina-tasks.js', import.meta.url), { threads }),
  ports: async (threads) => {
    const file = new URL('../../../build/full-worker.js', import.meta.url)
    const workers = await startWorkers(threads, () => new Worker(file))
    return workers && new PortPool(workers)
  },
  here: async () => new HerePool({ arena, key }, new Pace()),
}

describe.each(Object.keys(kinds))('a pool of kind %s', (kind) => {
  const threads = threadCount()
  const pools: WorkerPool[] = []
  const open = async (many: number): Promise<WorkerPool> => {
    const pool = await kinds[kind]!(many)
    if (pool === undefined) throw new Error(`${kind} did not start`)
    pools.push(pool)
    return pool
  }
  afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())))
  afterAll(async () => {
    await expect(settles(() => threadCount() <= threads)).resolves.toBe(true)
  })

  test.each([1, 2, 4])(
    'of %i threads does all blocks once, whatever their size, and says how far it is',
    async (many) => {
      const pool = await open(many)
      for (const [total, block] of [
        [100, 7],
        [100, 100],
        [3, 500],
        [0, 5],
      ] as const) {
        const input = scan(total)
        const steps: number[] = []
        await pool.each('exact', total, block, input, (done, of) => {
          expect(of).toBe(total)
          steps.push(done)
        })
        expect([...input.outIds]).toEqual(Array.from({ length: total }, (_, q) => q))
        expect(steps.at(-1) ?? 0).toBe(total)
        expect(steps.slice().sort((a, b) => a - b)).toEqual(steps)
        expect(steps.length).toBe(Math.ceil(total / block))
      }
    },
  )

  test('an error in a worker comes back with its class and fields, and the rest is not done', async () => {
    const pool = await open(2)
    const input = scan(5000)
    input.queries[3 * DIM + 1] = NaN
    let done = 0
    const error = await failure(() => pool.each('exact', 5000, 1, input, () => void done++))
    expect(error).toMatchObject({ name: 'InvalidArgumentError', code: 'BATL_INVALID_ARGUMENT', argument: 'query' })
    expect(error.message).toMatch(/component 1 of query 3 is NaN/)
    expect(done).toBeLessThan(100)
    // It goes on working.
    const next = scan(4)
    await pool.each('exact', 4, 1, next)
    expect([...next.outIds]).toEqual([0, 1, 2, 3])
  })

  test('rests: the memory of a step that is done goes back to the system, and that of the index stays', async () => {
    const pool = await open(2)
    await pool.each('exact', 4, 1, scan(4))
    const before = process.memoryUsage.rss()
    await work(pool)
    const after = process.memoryUsage.rss()
    expect(after - before).toBeGreaterThan(0.9 * STEP_BYTES)
    const attached = arenaOf(arena.memory, key)
    await Promise.all([kind === 'here' ? undefined : restPool(pool), restThread()])
    if (kind !== 'here') {
      await expect(settles(() => process.memoryUsage.rss() < after - 0.7 * STEP_BYTES)).resolves.toBe(true)
    }
    expect(arenaOf(arena.memory, key)).toBe(attached)
    const next = scan(4)
    await pool.each('exact', 4, 1, next)
    expect([...next.outIds]).toEqual([0, 1, 2, 3])
  })

  test('closed while it works rejects with ClosedError', async () => {
    const pool = await open(2)
    const work = failure(() => pool.each('exact', 200_000, 64, scan(200_000)))
    await new Promise((resolve) => setTimeout(resolve, 100))
    await pool.close()
    await pool.close()
    expect(await work).toBeInstanceOf(ClosedError)
  })

  test('that works for a time ends with it: done, failed or aborted', async () => {
    const done = await open(1)
    expect(await during(done, undefined, async () => 5)).toBe(5)
    const failed = await open(1)
    const mine = new Error('mine')
    expect(await failure(() => during(failed, undefined, () => Promise.reject(mine)))).toBe(mine)
    const controller = new AbortController()
    const aborted = await open(1)
    const reason = new Error('enough')
    const work = failure(() =>
      during(aborted, controller.signal, () => aborted.each('exact', 200_000, 64, scan(200_000))),
    )
    controller.abort(reason)
    expect(await work).toBe(reason)
    expect(await failure(async () => during(await open(1), AbortSignal.abort(reason), async () => 5))).toBe(reason)
    for (const pool of [done, failed, aborted]) {
      expect(await failure(() => pool.run('exact', { ...scan(1), first: 0, count: 1 }))).toBeInstanceOf(ClosedError)
    }
  })
})

test("blocks on the caller's thread go on in their order when its event loop has had a turn", async () => {
  let turns = 0
  // The turn of the block that fails takes long, whether blocks share turns or not: those behind it must not pass it.
  const isSlow = (turn: number): boolean => turn === 5 || turn === 10
  const slow = { turn: () => new Promise<void>((go) => (isSlow(++turns) ? setTimeout(go, 20) : go())) }
  const pool = new HerePool({ arena, key }, slow)
  const input = scan(5000)
  input.queries[9 * DIM + 1] = NaN
  let done = 0
  const error = await failure(() => pool.each('exact', 5000, 1, input, () => void done++))
  expect(error).toMatchObject({ code: 'BATL_INVALID_ARGUMENT', argument: 'query' })
  expect(done).toBeLessThan(20)
  await pool.close()
})

test('threads that cannot start give no pool', async () => {
  const missing = (): URL => new URL('./missing.js', import.meta.url)
  expect(await PiscinaPool.start(missing, { threads: 1 })).toBeUndefined()
  const nowhere = (): URL => new URL('./x.js', undefined as unknown as string)
  expect(await PiscinaPool.start(nowhere, { threads: 1 })).toBeUndefined()
  expect(await startWorkers(2, () => new Worker(missing()))).toBeUndefined()
  const throws = (): never => {
    throw new Error('no workers here')
  }
  expect(await startWorkers(2, throws)).toBeUndefined()
})
