import * as imported from './linear-algebra.js'
import { ownRequire } from './own-require.js'

const ALGEBRA = 'ml-matrix'

export async function importLinearAlgebra(): Promise<imported.LinearAlgebra> {
  const require = ownRequire(ALGEBRA)
  return require === undefined ? imported.importLinearAlgebra() : (require(ALGEBRA) as imported.LinearAlgebra)
}
