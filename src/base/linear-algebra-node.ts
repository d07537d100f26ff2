import { createRequire } from 'node:module'
import * as imported from './linear-algebra.js'

/** Node reads CommonJS in a fifth of the time by `require`; a bundle that lies away from the package has it in itself. */
export async function importLinearAlgebra(): Promise<imported.LinearAlgebra> {
  try {
    return createRequire(import.meta.url)('ml-matrix') as imported.LinearAlgebra
  } catch {
    return imported.importLinearAlgebra()
  }
}
