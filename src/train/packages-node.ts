import { ownRequire } from '../base/own-require.js'
import * as imported from './packages.js'

const CORE = '@tensorflow/tfjs-core'
const BACKEND = '@tensorflow/tfjs-backend-wasm'

/** For both of them, as the backend wants its own core. */
const require = ownRequire(CORE, BACKEND)

export async function importCore(): Promise<unknown> {
  return require === undefined ? imported.importCore() : require(CORE)
}

export async function importBackend(): Promise<unknown> {
  return require === undefined ? imported.importBackend() : require(BACKEND)
}
