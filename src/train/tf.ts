import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import type * as Core from '@tensorflow/tfjs-core'
import { openRead } from '#io'
import { importNative } from '#native-trainer'
import { importBackend, importCore } from '#trainer-packages'
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

const NATIVE_BACKEND = 'tensorflow'
/** The binary that the backend takes where there is SIMD, as there is wherever the kernels run. */
const BACKEND_FILE = 'tfjs-backend-wasm-simd.wasm'
let wasmReady: Promise<Tf> | undefined

/**
 * Load TensorFlow.js and put one backend in charge. Loads native code or WebAssembly and keeps it: call in a worker that ends.
 * @param choice - `auto`: tfjs-node where it can be imported and passes a trial step, else the WASM backend.
 * @param wasmBase - folder or address (with a final slash) of the WASM backend's binaries, in place of the one carried.
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
  const native = unwrap<Tf>(await importNative('@tensorflow/tfjs-node'))
  const tf = await loadCore()
  if (native.engine() !== tf.engine()) {
    throw new Error('tfjs-node brings another copy of tfjs-core; install the same version of both')
  }
  if (!(await tf.setBackend(NATIVE_BACKEND))) throw new Error('its backend does not start')
  trialStep(tf)
  return tf
}

/** The WASM backend, on the binary that the library carries or on the caller's copy: nothing else is fetched or looked for. */
async function loadWasm(base: string | undefined): Promise<Tf> {
  wasmReady ??= (async () => {
    const tf = await loadCore()
    const backend = unwrap<typeof import('@tensorflow/tfjs-backend-wasm')>(await importBackend())
    const env = tf.env()
    // Its threads start from a Blob, which strict pages forbid, and gain nothing here.
    env.set('WASM_HAS_MULTITHREAD_SUPPORT', false)
    const binary = base === undefined ? await carriedBackend() : await readBackend(base)
    backend.setWasmPaths('', true)
    await withFetch(env.platform, binary, async () => {
      if (!(await tf.setBackend('wasm'))) throw new Error('it refused its binary')
    })
    return tf
  })()
  try {
    const tf = await wasmReady
    await tf.setBackend('wasm')
    return tf
  } catch (cause) {
    wasmReady = undefined
    throw new UnsupportedError(
      `the WASM backend of TensorFlow.js does not start here: ${firstLine(cause)}; on a page, add 'wasm-unsafe-eval' to ` +
        `script-src of its Content-Security-Policy, or name the folder of ${BACKEND_FILE} with init({ trainerBase })`,
      { cause },
    )
  }
}

async function carriedBackend(): Promise<Uint8Array<ArrayBuffer>> {
  const { backend } = await import('#trainer-binary')
  const characters = atob(backend)
  const bytes = new Uint8Array(characters.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i)
  return bytes
}

async function readBackend(base: string): Promise<Uint8Array<ArrayBuffer>> {
  const file = await openRead(/^[a-z][a-z+.-]+:/i.test(base) ? new URL(BACKEND_FILE, base) : `${base}${BACKEND_FILE}`)
  try {
    const bytes = new Uint8Array(file.size)
    await file.read(bytes, 0)
    return bytes
  } finally {
    await file.close()
  }
}

/** The backend fetches its binary through the platform: while `work` runs, these bytes answer. */
async function withFetch(
  platform: Core.Platform,
  bytes: Uint8Array<ArrayBuffer>,
  work: () => Promise<void>,
): Promise<void> {
  const { fetch } = platform
  platform.fetch = async () => new Response(bytes)
  try {
    await work()
  } finally {
    platform.fetch = fetch
  }
}

async function loadCore(): Promise<Tf> {
  const tf = unwrap<Tf>(await importCore())
  tf.env().set('PROD', true) // no advice on the console, no search for NaN after every operation
  return tf
}

/** The exports of a CommonJS module: under `default` where Node cannot see their names. */
function unwrap<T>(loaded: unknown): T {
  return ((loaded as { default?: T }).default ?? loaded) as T
}

/** The floats of a tensor: where the backend keeps them, until its next operation, if that can be seen, else a copy. */
export function valuesOf({ tf, name }: Trainer, tensor: Core.Tensor): Float32Array {
  return name === 'wasm'
    ? ((tf.backend() as BackendWasm).typedArrayFromHeap(tensor) as Float32Array)
    : tensor.dataSync<'float32'>()
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
