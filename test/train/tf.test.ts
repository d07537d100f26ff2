import { SHARE_ENV, Worker } from 'node:worker_threads'
import { describe, expect, test } from '@jest/globals'
import type { PlainError } from '../../build/base/errors.js'
import type { TrainRequest } from '../../build/train/router.js'
import { describeNative, nativeInstalled } from './availability.js'
import { mixtureProblem } from './mixture.js'

const { request } = mixtureProblem({ count: 200, held: 1, steps: 3, batch: 64 })

interface Outcome {
  trainer?: string
  losses?: Float32Array
  error?: PlainError
  printed: string
}

/** Train in a worker thread under plain Node ESM, as the library does. */
async function trainInWorker(change: Partial<TrainRequest>, loader?: string): Promise<Outcome> {
  const worker = new Worker(new URL('./train-worker.mjs', import.meta.url), {
    workerData: { ...request, ...change },
    env: SHARE_ENV,
    stdout: true,
    stderr: true,
    execArgv: loader === undefined ? [] : ['--no-warnings', '--import', loader],
  })
  let printed = ''
  for (const stream of [worker.stdout, worker.stderr]) stream.on('data', (text: Buffer) => (printed += text.toString()))
  try {
    const outcome = await new Promise<Outcome>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    return { ...outcome, printed }
  } finally {
    await worker.terminate()
  }
}

/** Code that makes every import of `@tensorflow/tfjs-node` fail, as where it is not installed. */
const WITHOUT_NATIVE = ((): string => {
  const hook = `export async function resolve(name, context, next) {
    if (name === '@tensorflow/tfjs-node') throw new Error('Cannot find package tfjs-node')
    return next(name, context)
  }`
  const hookUrl = `data:text/javascript,${encodeURIComponent(hook)}`
  return `data:text/javascript,${encodeURIComponent(`import { register } from 'node:module'; register(${JSON.stringify(hookUrl)})`)}`
})()

describe('in a worker thread', () => {
  test.each(['linear', 'residual', 'seq2seq'] as const)(
    'the WASM backend trains %s and prints nothing',
    async (router) => {
      const { trainer, losses, printed } = await trainInWorker({ router, trainer: 'wasm' })
      expect(trainer).toBe('wasm')
      expect(losses!.every((loss) => loss > 0 && loss < 20)).toBe(true)
      expect(printed).toBe('')
    },
  )

  test('auto takes the native trainer where there is one', async () => {
    const { trainer } = await trainInWorker({ trainer: 'auto' })
    expect(trainer).toBe(nativeInstalled ? 'tfjs-node' : 'wasm')
  })

  test('auto takes the WASM backend where the native trainer cannot be imported', async () => {
    const { trainer } = await trainInWorker({ trainer: 'auto' }, WITHOUT_NATIVE)
    expect(trainer).toBe('wasm')
  })

  test('a native trainer that is asked for and cannot be imported is an error that says what to do', async () => {
    const { error } = await trainInWorker({ trainer: 'tfjs-node' }, WITHOUT_NATIVE)
    expect(error!.code).toBe('BATL_UNSUPPORTED')
    expect(error!.message).toMatch(/Cannot find package.*npm install @tensorflow\/tfjs-node.*trainer: 'wasm'/)
  })
})

describeNative('the native trainer in a worker thread', () => {
  test.each(['linear', 'residual', 'seq2seq'] as const)('trains %s as the WASM backend does', async (router) => {
    const native = await trainInWorker({ router, trainer: 'tfjs-node' })
    const wasm = await trainInWorker({ router, trainer: 'wasm' })
    expect(native.trainer).toBe('tfjs-node')
    native.losses!.forEach((loss, step) => expect(Math.abs(loss - wasm.losses![step]!)).toBeLessThan(1e-2))
  })
})
