// @ts-check
/**
 * The module for ann-benchmarks, tested by Python against exact answers, in a virtual environment of its own.
 *
 *   npm run bench:ann-benchmarks
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { virtualEnvironment } from '../harness/install.js'

const path = (/** @type {string} */ file) => fileURLToPath(new URL(file, import.meta.url))
const { python } = await virtualEnvironment(['numpy'])
const { status, error } = spawnSync(python, [path('test_module.py')], {
  stdio: 'inherit',
  env: {
    ...process.env,
    BATL_NODE: process.execPath,
    BATL_MODULE: new URL('../../build/index.js', import.meta.url).href,
  },
})
if (error !== undefined) throw error
process.exitCode = status ?? 1
