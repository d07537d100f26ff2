import type * as Core from '@tensorflow/tfjs-core'
import { UnsupportedError } from '../base/errors.js'

export type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core'

/** The functions of tfjs-core; the backend that runs them was chosen by `loadTrainer`. */
export type Tf = typeof Core

export type TrainerName = 'wasm' | 'tfjs-node'

/** TensorFlow.js with one backend in charge. */
export interface Trainer {
  readonly tf: Tf
  readonly name: TrainerName
}

// In variables, so that neither the compiler nor a bundler insists on an optional package and on a module without types.
const NATIVE_PACKAGE: string = '@tensorflow/tfjs-node'
const NATIVE_BACKEND = 'tensorflow'
let wasmReady: Promise<Tf> | undefined

/**
 * Load TensorFlow.js and put one backend in charge. Loads native code or WebAssembly and keeps it: call in a worker that ends.
 * @param choice - `auto`: tfjs-node where it can be imported and passes a trial step, else the WASM backend.
 * @param wasmBase - folder or URL (with a final slash) of the WASM backend's binaries, where they are not beside its code.
 * @throws {UnsupportedError} BATL_UNSUPPORTED when `tfjs-node` is asked for and cannot train here, or no backend starts.
 */
export async function loadTrainer(choice: 'auto' | TrainerName, wasmBase?: string): Promise<Trainer> {
  if (choice === 'wasm') return { tf: await loadWasm(wasmBase), name: 'wasm' }
  try {
    return { tf: await loadNative(), name: 'tfjs-node' }
  } catch (cause) {
    if (choice === 'auto') return { tf: await loadWasm(wasmBase), name: 'wasm' }
    throw new UnsupportedError(
      `trainer 'tfjs-node' was asked for, but it cannot train in this process (${firstLine(cause)}); install it with ` +
        `'npm install @tensorflow/tfjs-node@4.22.0' on Node 20 or 22, or pass trainer: 'wasm'`,
      { cause },
    )
  }
}

async function loadNative(): Promise<Tf> {
  if (typeof process === 'undefined') throw new Error('not a Node process')
  // The native library prints its build flags unless told not to. Reaches it from a worker only with `env: SHARE_ENV`.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3'
  const native = unwrap<Tf>(await import(NATIVE_PACKAGE))
  const tf = await loadCore()
  if (native.engine() !== tf.engine()) {
    throw new Error('tfjs-node brings another copy of tfjs-core; install the same version of both')
  }
  if (!(await tf.setBackend(NATIVE_BACKEND))) throw new Error('its backend does not start')
  trialStep(tf)
  return tf
}

async function loadWasm(base: string | undefined): Promise<Tf> {
  wasmReady ??= (async () => {
    const tf = await loadCore()
    const backend = unwrap<typeof import('@tensorflow/tfjs-backend-wasm')>(
      await import('@tensorflow/tfjs-backend-wasm'),
    )
    if (base !== undefined) backend.setWasmPaths(base)
    return tf
  })()
  const tf = await wasmReady
  const started = await tf.setBackend('wasm').catch((cause: unknown) => {
    throw new UnsupportedError(`the WASM backend of TensorFlow.js does not start here: ${firstLine(cause)}`, { cause })
  })
  if (!started) {
    throw new UnsupportedError(
      `the WASM backend of TensorFlow.js does not start here; check that its .wasm files are installed${base === undefined ? '' : ` in ${base}`}`,
    )
  }
  return tf
}

async function loadCore(): Promise<Tf> {
  const tf = unwrap<Tf>(await import('@tensorflow/tfjs-core'))
  tf.env().set('PROD', true) // no advice on the console, no search for NaN after every operation
  return tf
}

/** The exports of a CommonJS module: under `default` where Node cannot see their names. */
function unwrap<T>(loaded: unknown): T {
  return ((loaded as { default?: T }).default ?? loaded) as T
}

/** A step of each kind that training takes: packages that load but break on a newer Node fail here, not half-way. */
function trialStep(tf: Tf): void {
  const value = tf.tidy(() => {
    const inputs = tf.tensor2d([1, 2, 3, 4], [2, 2])
    const start = tf.tensor2d([0.5, -0.5, 0.25, 1], [2, 2])
    const { value: loss, grads } = tf.valueAndGrads((weights) => {
      return tf.mean<Core.Scalar>(tf.square(tf.softmax(tf.matMul(inputs, weights!))))
    })([start])
    return tf.add(loss, tf.sum(tf.sub(start, grads[0]!))).dataSync()[0]!
  })
  if (!Number.isFinite(value)) throw new Error(`its trial step gave ${value}`)
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0]!
}
