import { beforeAll, describe, expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { APP, tool } from '../runtimes/places.js'

interface Metafile {
  readonly inputs: Record<string, unknown>
  readonly outputs: Record<string, { imports: { path: string }[] }>
}

/** What a page that only searches may load, gzipped, kernels included: however it is bundled. */
const LIMIT = 40_000

/** A bundle of the packed `batl/search` by esbuild, and what esbuild says that it is made of. */
function bundleSearch(options: readonly string[]): { bytes: number; text: string; made: Metafile } {
  writeFileSync(`${APP}weigh.js`, "export * from 'batl/search'\n")
  const args = ['weigh.js', '--bundle', '--outfile=weighed.js', '--metafile=weighed.json', '--log-level=error']
  execFileSync(`${tool('esbuild')}/bin/esbuild`, [...args, ...options], { cwd: APP })
  const text = readFileSync(`${APP}weighed.js`, 'utf8')
  const made = JSON.parse(readFileSync(`${APP}weighed.json`, 'utf8'))
  return { bytes: gzipSync(text, { level: 9 }).length, text, made }
}

describe.each([
  ['with default options', []],
  ['as a module', ['--format=esm']],
  ['minified', ['--minify']],
])('batl/search, bundled by esbuild, %s', (_, options) => {
  let bundled: ReturnType<typeof bundleSearch>
  beforeAll(() => {
    bundled = bundleSearch(options)
  })

  test('weighs no more than a search page may', () => expect(bundled.bytes).toBeLessThanOrEqual(LIMIT))

  test('holds the kernels, and nothing of Node, its threads, TensorFlow or building', () => {
    const inputs = Object.keys(bundled.made.inputs)
    expect(inputs.some((name) => name.endsWith('wasm/binaries.js'))).toBe(true)
    expect(inputs.filter((name) => /tensorflow|piscina|build-binaries|\/(train|builder|cli)\//.test(name))).toEqual([])
    expect(Object.values(bundled.made.outputs).flatMap(({ imports }) => imports)).toEqual([])
    expect(bundled.text).not.toMatch(/["'`]node:|@tensorflow|setWasmPath/)
  })
})
