import { describe, expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { APP, tool } from '../runtimes/places.js'

/** What a page that only searches may load, gzipped, kernels included. */
const LIMIT = 40_000

/** A bundle of the packed `batl/search` by esbuild. */
function bundleSearch(...options: string[]): string {
  writeFileSync(`${APP}weigh.js`, "export * from 'batl/search'\n")
  execFileSync(`${tool('esbuild')}/bin/esbuild`, [
    `${APP}weigh.js`,
    '--bundle',
    `--outfile=${APP}weighed.js`,
    '--log-level=error',
    ...options,
  ])
  return readFileSync(`${APP}weighed.js`, 'utf8')
}

describe('batl/search, bundled by esbuild', () => {
  test.each([
    ['with default options', []],
    ['as a module', ['--format=esm']],
    ['minified', ['--minify']],
  ])('%s, weighs no more than a search page may, and holds nothing of Node or TensorFlow', (_, options) => {
    const bundle = bundleSearch(...options)
    const bytes = gzipSync(bundle, { level: 9 }).length
    console.log(`batl/search ${_}: ${bundle.length} bytes, ${bytes} gzipped`)
    expect(bytes).toBeLessThanOrEqual(LIMIT)
    expect(bundle).not.toMatch(/node:|tensorflow|tfjs|piscina/)
  })
})
