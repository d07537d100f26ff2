import { createRequire } from 'node:module'
import { describe } from '@jest/globals'

/**
 * Whether the optional native trainer is installed here; its absence is told once per file that asks.
 * @throws when BATL_REQUIRE_TFJS_NODE is set and it is absent: whoever sets that wants none of its tests skipped.
 */
export const nativeInstalled = ((): boolean => {
  try {
    createRequire(import.meta.url).resolve('@tensorflow/tfjs-node')
    return true
  } catch (cause) {
    if (process.env['BATL_REQUIRE_TFJS_NODE']) {
      throw new Error('BATL_REQUIRE_TFJS_NODE is set, but @tensorflow/tfjs-node is not installed', { cause })
    }
    console.info('skipped: tests of the native trainer, because @tensorflow/tfjs-node is not installed')
    return false
  }
})()

/** The trainers that can be tested here. */
export const trainers = nativeInstalled ? (['wasm', 'tfjs-node'] as const) : (['wasm'] as const)

export const describeNative = nativeInstalled ? describe : describe.skip
