/**
 * Puts the binary of TensorFlow.js's WASM backend as base64 into build/wasm/trainer.js, so that training works wherever
 * the library does, from a page or a single bundled file as well, without a file to find. Only the training loads it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { version, license } = require('@tensorflow/tfjs-backend-wasm/package.json')
const bytes = readFileSync(require.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'))
const folder = new URL('../build/wasm/', import.meta.url)
const credit = `/* tfjs-backend-wasm-simd.wasm of @tensorflow/tfjs-backend-wasm ${version}, ${license}. */\n`

writeFileSync(new URL('trainer.js', folder), `${credit}export const backend = '${bytes.toString('base64')}'\n`)
writeFileSync(new URL('trainer.d.ts', folder), 'export declare const backend: string\n')
