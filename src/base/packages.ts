import type { EigenvalueDecomposition, Matrix } from 'ml-matrix'

/** Packages that are CommonJS, loaded by whoever comes to need them; `packages-node.ts` is the counterpart (`#packages`). */
export async function importCore(): Promise<unknown> {
  return import('@tensorflow/tfjs-core')
}

export async function importBackend(): Promise<unknown> {
  return import('@tensorflow/tfjs-backend-wasm')
}

/** What the library takes from ml-matrix. */
export interface LinearAlgebra {
  readonly EigenvalueDecomposition: typeof EigenvalueDecomposition
  readonly Matrix: typeof Matrix
}

export async function importLinearAlgebra(): Promise<LinearAlgebra> {
  return import('ml-matrix')
}
