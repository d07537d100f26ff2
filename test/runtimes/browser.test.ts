import { beforeAll, describe, expect, test } from '@jest/globals'
import { BUNDLER_NAMES, bundle } from './bundle.js'
import { visitPage } from './chromium.js'
import { expectBuilt, expectOpened } from './expected.js'
import { APP } from './places.js'

/** Nothing from elsewhere, no eval, no Blob: what `wasm-unsafe-eval` is for. */
const STRICT = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'"

describe.each(BUNDLER_NAMES)('a search page of %s', (bundler) => {
  let site: string
  let files: string[]
  beforeAll(async () => {
    const bundled = await bundle(bundler, 'page-search')
    expect(bundled.complaints).toBe('')
    ;({ site, files } = bundled)
  })

  test('brings nothing of TensorFlow along', () => {
    expect(files.filter((file) => /tfjs|tensor|train/i.test(file))).toEqual([])
  })

  test.each([
    ['isolated', true],
    ['not isolated', false],
  ])('%s, opens and searches under a strict policy', async (_, isolated) => {
    const result = await visitPage({ site, isolated, policy: STRICT })
    expect(result.error).toBeUndefined()
    expect(result).toMatchObject({ isolated, violations: [] })
    expectOpened(result.opened!)
    if (!isolated) expect(result.workers).toEqual([])
    // esbuild leaves the worker's file behind: one thread, silently.
    else if (bundler !== 'esbuild') expect(result.workers.length).toBe(2)
  })

  test('takes the kernels from a response', async () => {
    const folders = { kernels: `${APP}node_modules/batl/build/wasm` }
    const query = '?wasm=/kernels/kernels.wasm'
    const result = await visitPage({ site, isolated: true, policy: STRICT, query, folders })
    expect(result.error).toBeUndefined()
    expect(result.requests).toContain('/kernels/kernels.wasm')
    expectOpened(result.opened!)
  })
})

describe.each(BUNDLER_NAMES)('a page of %s that builds', (bundler) => {
  let site: string
  beforeAll(async () => {
    ;({ site } = await bundle(bundler, 'page-build'))
  })

  test.each([
    ['isolated', true],
    ['not isolated', false],
  ])('%s, opens, searches, builds and trains', async (_, isolated) => {
    const result = await visitPage({ site, isolated })
    expect(result.error).toBeUndefined()
    expect(result.isolated).toBe(isolated)
    expectOpened(result.opened!)
    expectBuilt(result.built!)
    if (!isolated) expect(result.workers).toEqual([])
    // A director, two workers, one that trains at a time, two that search exactly and two that search.
    else if (bundler !== 'esbuild') expect(result.workers.length).toBeGreaterThanOrEqual(8)
  })

  test('trains under a strict policy, with the files that trainerBase names', async () => {
    const folders = { trainer: `${APP}node_modules/@tensorflow/tfjs-backend-wasm/dist` }
    const query = '?trainer=/trainer/'
    const result = await visitPage({ site, isolated: true, policy: STRICT, query, folders })
    expect(result.error).toBeUndefined()
    expect(result.violations).toEqual([])
    expect(result.requests).toContain('/trainer/tfjs-backend-wasm-simd.wasm')
    expectBuilt(result.built!)
  })
})

test('a policy without wasm-unsafe-eval is told what it lacks', async () => {
  const { site } = await bundle('esbuild', 'page-search')
  const policy = "default-src 'none'; script-src 'self'; connect-src 'self'"
  const result = await visitPage({ site, isolated: false, policy })
  expect(result.error).toMatch(/^UnsupportedError BATL_UNSUPPORTED: .*'wasm-unsafe-eval'/)
})
