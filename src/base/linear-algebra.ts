import type { EigenvalueDecomposition, Matrix } from 'ml-matrix'

/** What the library takes from ml-matrix; `linear-algebra-node.ts` is the counterpart (`#linear-algebra`). */
export interface LinearAlgebra {
  readonly EigenvalueDecomposition: typeof EigenvalueDecomposition
  readonly Matrix: typeof Matrix
}

/** Load it: only what fits rotations does. */
export async function importLinearAlgebra(): Promise<LinearAlgebra> {
  return import('ml-matrix')
}
