import { Worker } from 'node:worker_threads'
import { describe, expect, test } from '@jest/globals'
import { exchangeMemory, HALVES } from '../../build/base/exchange.js'
import { prepareTrainer, trainRouter } from '../../build/train/router.js'
import type { TrainRequest, TrainResult } from '../../build/train/router.js'
import { mixtureProblem } from './mixture.js'

const { request: base } = mixtureProblem({ count: 500, held: 1 })

/** What a worker of its own makes of a request. */
function trainApart(request: TrainRequest): Promise<TrainResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./train-worker.mjs', import.meta.url), { workerData: request })
    worker.once('message', (result: TrainResult | { error: { message: string } }) => {
      void worker.terminate()
      if ('error' in result) reject(new Error(result.error.message))
      else resolve(result)
    })
    worker.once('error', reject)
  })
}

describe.each(['linear', 'residual', 'seq2seq'] as const)('two workers that train a %s router together', (router) => {
  // An odd number of queries a step: the halves differ in size.
  const request: TrainRequest = { ...base, router, trainer: 'wasm', steps: 6, batch: 65 }

  test('both end with the bits of one worker', async () => {
    const { trainer, weights } = await prepareTrainer(request)
    expect(trainer).toBe('wasm')
    const memory = exchangeMemory(weights)
    const [alone, ...both] = await Promise.all([
      trainApart(request),
      ...Array.from({ length: HALVES }, (_, half) => trainApart({ ...request, team: { memory, half } })),
    ])
    for (const { tables, losses } of both) {
      expect(losses).toEqual(alone.losses)
      expect(Buffer.from(tables.buffer).equals(Buffer.from(alone.tables.buffer))).toBe(true)
    }
    expect(new Set(alone.losses).size).toBe(request.steps)
    expect(alone.losses.every(Number.isFinite)).toBe(true)
  })

  test('exchange as many floats as are trained', async () => {
    const { weights } = await prepareTrainer(request)
    const trained = (await trainRouter({ ...request, steps: 0 })).weights
    const floats = Object.entries(trained).filter(([name]) => name !== 'input mean' && name !== 'input scale')
    expect(floats.reduce((sum, [, { length }]) => sum + length, 0)).toBe(weights)
  })
})
