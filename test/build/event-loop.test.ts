import { describe, expect, test } from '@jest/globals'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { BatlIndex, type BuildOptions, type Phase } from '../../build/index.js'
import { clusteredRows, failure, settles, threadCount } from '../api/support.js'
import { describeNative, nativeInstalled, trainers } from '../train/availability.js'

const SIZE = 30_000
const DIM = 48
const rows = clusteredRows(SIZE, DIM)
/** What the issue allows. */
const LONGEST_STALL_MS = 50
const ATTEMPTS = 3
/** The native library keeps threads of its own once a process has loaded it. */
const NATIVE_THREADS = nativeInstalled ? 24 : 0

type Step = { phase: Phase; done: number; total: number }

/**
 * The longest delay of the event loop while something is done: the least of a few attempts, since a machine that has
 * more to do than these tests delays everybody.
 */
async function longestStall(work: () => Promise<void>): Promise<number> {
  let least = Infinity
  for (let attempt = 0; attempt < ATTEMPTS && least >= LONGEST_STALL_MS; attempt++) {
    // Garbage of what was before is none of the work's.
    await new Promise((resolve) => setTimeout(resolve, 100))
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    await work()
    delay.disable()
    least = Math.min(least, delay.max / 1e6)
  }
  return least
}

describe.each(trainers)('a build trained by %s', (trainer) => {
  test('never stalls the event loop of the caller, says how far it is, and leaves no thread', async () => {
    const threads = threadCount()
    const ids = Array.from({ length: SIZE }, (_, row) => `row ${row}`)
    const stall = await longestStall(async () => {
      const steps: Step[] = []
      const onProgress = (step: Step): number => steps.push(step)
      const index = await BatlIndex.build(rows, { dim: DIM, metric: 'cosine', trainer, ids, onProgress })
      expect(index.stats().trainer).toBe(trainer)
      expectSteps(steps, ['read', 'partition', 'labels', 'train', 'encode', 'tune'])
      await index.close()
    })
    expect(stall).toBeLessThan(LONGEST_STALL_MS)
    await expect(settles(() => threadCount() <= threads + NATIVE_THREADS)).resolves.toBe(true)
  })
})

test.each([
  ['numbers', (row: number) => row * 2],
  ['bigints', (row: number) => BigInt(row)],
  ['strings', (row: number) => `row ${row}`],
])('taking in 600,000 rows with ids, %s, does not stall the event loop either', async (_, idOf) => {
  const many = new Float32Array(600_000 * 3).map((_value, i) => (i % 1009) + 1)
  const ids = Array.from({ length: 600_000 }, (_value, row) => idOf(row)) as number[]
  const log = new Float32Array(200_000 * 3).fill(1)
  const stall = await longestStall(async () => {
    const controller = new AbortController()
    const build = BatlIndex.build(many, {
      dim: 3,
      metric: 'cosine',
      ids,
      queries: log,
      signal: controller.signal,
      onProgress: ({ phase }) => phase === 'partition' && controller.abort(),
    })
    expect(await failure(() => build)).toMatchObject({ name: 'AbortError' })
  })
  expect(stall).toBeLessThan(LONGEST_STALL_MS)
})

/** Every phase was reported from its start to its end, in the order given, and never went back. */
function expectSteps(steps: readonly Step[], phases: readonly Phase[]): void {
  for (const { done, total } of steps) {
    expect(done).toBeGreaterThanOrEqual(0)
    expect(done).toBeLessThanOrEqual(total)
    expect(total).toBeGreaterThan(0)
  }
  const seen = [...new Set(steps.map(({ phase }) => phase))]
  expect(seen.sort()).toEqual([...phases].sort())
  for (const phase of phases) {
    const shares = steps.filter((step) => step.phase === phase).map(({ done, total }) => done / total)
    expect([phase, Math.max(...shares)]).toEqual([phase, 1])
  }
  // Within one stretch of a phase, what is done only grows; a phase that comes again starts again.
  steps.forEach((step, i) => {
    const last = steps[i - 1]
    if (last?.phase !== step.phase || last.done === last.total) return
    expect([step.phase, step.done / step.total >= last.done / last.total]).toEqual([step.phase, true])
  })
}

/** Abort when a phase has been reported; undefined where the build ended before. */
async function abortIn(
  phase: Phase,
  options: BuildOptions,
  count = SIZE,
): Promise<{ error: unknown; late: number; reason: Error }> {
  const controller = new AbortController()
  const reason = new Error(`stop in ${phase}`)
  let aborted = Infinity
  const error = await failure(() =>
    BatlIndex.build(rows.subarray(0, count * DIM), {
      dim: DIM,
      ...options,
      signal: controller.signal,
      onProgress: (step) => {
        if (step.phase !== phase || controller.signal.aborted) return
        aborted = performance.now()
        controller.abort(reason)
      },
    }),
  )
  return { error, late: performance.now() - aborted, reason }
}

describe('an abort', () => {
  const published = { router: 'seq2seq', rounds: 1 } as const
  const moments: [Phase, BuildOptions, number?][] = [
    ['read', {}],
    ['partition', {}],
    ['labels', {}],
    ['train', {}],
    ['train', published, 5000],
    ['encode', {}, 6000],
    ['update', { rounds: 1 }, 6000],
    ['tune', {}, 6000],
  ]
  test.each(moments)(
    'in phase %s rejects at once with the reason, and leaves no thread: %o',
    async (phase, options, count = SIZE) => {
      const threads = threadCount()
      const { error, late, reason } = await abortIn(phase, { trainer: 'wasm', ...options }, count)
      expect(error).toBe(reason)
      expect(late).toBeLessThan(500)
      await expect(settles(() => threadCount() <= threads, 2000)).resolves.toBe(true)
    },
  )

  test.each([0, 1, 20, 150])('%i ms after the start', async (wait) => {
    const threads = threadCount()
    const controller = new AbortController()
    const reason = { wait }
    const options = { dim: DIM, trainer: 'wasm', signal: controller.signal } as const
    const build = failure(() => BatlIndex.build(rows, options))
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const start = performance.now()
    controller.abort(reason)
    expect(await build).toBe(reason)
    expect(performance.now() - start).toBeLessThan(500)
    await expect(settles(() => threadCount() <= threads, 2000)).resolves.toBe(true)
  })

  test('before the start', async () => {
    const reason = new Error('never')
    expect(await failure(() => BatlIndex.build(rows, { dim: DIM, signal: AbortSignal.abort(reason) }))).toBe(reason)
    expect(await failure(() => BatlIndex.build(rows, { dim: DIM, signal: AbortSignal.abort() }))).toMatchObject({
      name: 'AbortError',
    })
  })

  test('after the end changes nothing', async () => {
    const controller = new AbortController()
    const small = rows.subarray(0, 4200 * DIM)
    const index = await BatlIndex.build(small, { dim: DIM, trainer: 'wasm', signal: controller.signal })
    controller.abort()
    expect(index.search(small.subarray(0, DIM), { k: 1 }).ids[0]).toBe(0)
    await index.close()
  })
})

describeNative('an abort of the native trainer', () => {
  test.each([
    ['linear', SIZE],
    ['seq2seq', 5000],
  ] as const)('of a %s router rejects at once and leaves no thread', async (router, count) => {
    const threads = threadCount()
    const { error, late, reason } = await abortIn('train', { trainer: 'tfjs-node', router }, count)
    expect(error).toBe(reason)
    expect(late).toBeLessThan(500)
    await expect(settles(() => threadCount() <= threads + NATIVE_THREADS, 3000)).resolves.toBe(true)
  })
})

describe('a build that fails', () => {
  test.each<[Phase, number]>([
    ['read', SIZE],
    ['partition', SIZE],
    ['train', 5000],
    ['tune', 5000],
  ])('in an onProgress that throws in phase %s rejects with that error', async (phase, count) => {
    const threads = threadCount()
    const mine = new Error(`mine in ${phase}`)
    const build = BatlIndex.build(rows.subarray(0, count * DIM), {
      dim: DIM,
      trainer: 'wasm',
      onProgress: (step) => {
        if (step.phase === phase) throw mine
      },
    })
    expect(await failure(() => build)).toBe(mine)
    await expect(settles(() => threadCount() <= threads, 2000)).resolves.toBe(true)
  })
})

test('phases of tree updates are reported as well', async () => {
  const steps: Step[] = []
  const index = await BatlIndex.build(rows.subarray(0, 5000 * DIM), {
    dim: DIM,
    trainer: 'wasm',
    rounds: 1,
    leafSize: 60,
    onProgress: (step) => steps.push(step),
  })
  expectSteps(steps, ['read', 'partition', 'labels', 'train', 'update', 'encode', 'tune'])
  await index.close()
})
