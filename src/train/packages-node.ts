import { createRequire } from 'node:module'
import * as imported from './packages.js'

const CORE = '@tensorflow/tfjs-core'
const BACKEND = '@tensorflow/tfjs-backend-wasm'

/**
 * Node reads CommonJS in a third of the time by `require`: `import` reads the text twice more, for its kind and for names. A
 * bundle that lies away from the packages has them in itself, by `import`: both of them, as the backend wants its own core.
 */
const ownRequire = ((): NodeJS.Require | undefined => {
  try {
    const require = createRequire(import.meta.url)
    for (const name of [CORE, BACKEND]) require.resolve(name)
    return require
  } catch {
    return undefined
  }
})()

export async function importCore(): Promise<unknown> {
  return ownRequire === undefined ? imported.importCore() : ownRequire(CORE)
}

export async function importBackend(): Promise<unknown> {
  return ownRequire === undefined ? imported.importBackend() : ownRequire(BACKEND)
}
