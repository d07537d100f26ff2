// In a variable, so that neither the compiler nor a bundler insists on an optional package.
const NATIVE_PACKAGE: string = '@tensorflow/tfjs-node'

/** Import tfjs-node, where there are native packages; `native-none.ts` is its counterpart (`#native-trainer`). */
export async function importNative(): Promise<unknown> {
  // The native library prints its build flags unless told not to. Reaches it from a worker only with `env: SHARE_ENV`.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3'
  return import(NATIVE_PACKAGE)
}
