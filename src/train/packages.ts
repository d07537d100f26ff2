/** The packages of TensorFlow.js; `packages-node.ts` is the counterpart (`#trainer-packages`). */
export async function importCore(): Promise<unknown> {
  return import('@tensorflow/tfjs-core')
}

export async function importBackend(): Promise<unknown> {
  return import('@tensorflow/tfjs-backend-wasm')
}
