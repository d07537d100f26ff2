/**
 * Import a native package, where there are such; `native-none.ts` is the counterpart (`#native-trainer`).
 *
 * @param name - Of the package: an argument, so that neither the compiler nor a bundler insists on an optional one.
 */
export async function importNative(name: string): Promise<unknown> {
  // The native library prints its build flags unless told not to. Reaches it from a worker only with `env: SHARE_ENV`.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3'
  return import(name)
}
