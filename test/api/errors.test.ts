import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdir, writeFile } from 'node:fs/promises'
import {
  BatlError,
  BatlIndex,
  CapacityError,
  ClosedError,
  DimensionMismatchError,
  exactSearch,
  FormatError,
  InvalidArgumentError,
  readVectors,
  UnsupportedError,
  VersionError,
} from '../../build/index.js'
import { clusteredRows, failure, temporaryFolder } from './support.js'

const DIM = 4
const rows = clusteredRows(4200, DIM) as Float32Array
const row = Array.from(rows.subarray(0, DIM))
const NAN = [1, 2, Number.NaN, 4]
const INFINITE = [1, 2, Infinity, 4]
const any = (value: unknown): never => value as never

let exact: BatlIndex
let trained: BatlIndex
let cosine: BatlIndex
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let before: unknown

/** What every index answers: the same before and after each failure. */
async function answers(): Promise<unknown> {
  const all = []
  for (const index of [exact, trained, cosine]) {
    const batch = await index.searchBatch(rows.subarray(0, 40), { threads: 1 })
    all.push(
      index.search(row),
      batch,
      index.searchById(7),
      index.stats(),
      Buffer.from(index.toBytes()).toString('base64'),
    )
  }
  return all
}

beforeAll(async () => {
  folder = await temporaryFolder()
  exact = await BatlIndex.build(rows.subarray(0, 400), { dim: DIM })
  trained = await BatlIndex.build(rows, { dim: DIM, trainer: 'wasm' })
  cosine = await BatlIndex.build(rows.subarray(0, 400), { dim: DIM, metric: 'cosine' })
  before = await answers()
})
afterAll(async () => {
  await Promise.all([exact.close(), trained.close(), cosine.close()])
  await folder.remove()
})

type Case = [what: string, action: () => unknown, wanted: object, message?: RegExp]
const wrong = (argument: string): object => ({ code: 'BATL_INVALID_ARGUMENT', name: 'InvalidArgumentError', argument })
const mismatch = (expected: number, received: number): object => ({
  code: 'BATL_DIMENSION_MISMATCH',
  name: 'DimensionMismatchError',
  expected,
  received,
})
const build = (given: unknown, options?: object) => () => BatlIndex.build(any(given), options)
const flat = (options: object) => build(rows.subarray(0, 40), { dim: DIM, ...options })

const CASES: Record<string, Case[]> = {
  'rows that are none': [
    ['nothing', build(undefined), wrong('rows')],
    ['null', build(null), wrong('rows')],
    ['a number', build(7), wrong('rows')],
    ['a function', build(() => rows), wrong('rows')],
    ['an object', build({ rows }), wrong('rows')],
    ['an empty array', build([]), wrong('rows'), /no rows/],
    ['an empty typed array', build(new Float32Array(0), { dim: 3 }), wrong('rows'), /no rows/],
    ['an empty stream', build((async function* () {})()), wrong('rows'), /no rows/],
    ['numbers without rows', build([1, 2, 3]), wrong('rows')],
    ['rows of nothing', build([[], []]), wrong('rows')],
    ['a row that is null', build([[1, 2], null]), wrong('rows[1]')],
    ['a row that is a string', build([[1, 2], 'ab']), wrong('rows[1]')],
    [
      'a component that is a string',
      build([
        [1, 2],
        [3, '4'],
      ]),
      wrong('rows[1]'),
    ],
    ['rows of bigints', build([new BigInt64Array(2)]), wrong('rows[0]')],
    ['an array of 32-bit integers', build(new Int32Array(8), { dim: 4 }), wrong('rows'), /Int32Array/],
    ['a DataView', build(new DataView(new ArrayBuffer(8)), { dim: 4 }), wrong('rows')],
    [
      'bytes that are no whole number of components',
      build(new ArrayBuffer(10), { dim: 1, type: 'f32' }),
      wrong('rows'),
    ],
  ],
  'rows of a wrong shape or content': [
    ['a flat array without dim', build(rows), wrong('dim'), /give dim/],
    ['no multiple of dim', build(rows, { dim: 13 }), wrong('rows'), /no multiple/],
    ['ragged rows', build([row, row.slice(1)]), mismatch(4, 3)],
    ['rows of another dim', build([row, row], { dim: 3 }), mismatch(3, 4)],
    [
      'a later block of another dim',
      build(
        (async function* () {
          yield [row]
          yield [[1, 2]]
        })(),
      ),
      mismatch(4, 2),
    ],
    ['NaN', build([row, NAN]), wrong('rows'), /component 2 of row 1 is NaN/],
    ['Infinity', build([INFINITE, row]), wrong('rows'), /component 2 of row 0 is Infinity/],
    [
      '-Infinity in a flat array',
      build(Float32Array.of(0, 1, -Infinity, 3), { dim: 2 }),
      wrong('rows'),
      /component 0 of row 1 is -Infinity/,
    ],
    ['a number beyond f32', build([[1e39]]), wrong('rows'), /Infinity/],
    ['a NaN of f16', build(Uint16Array.of(0x3c00, 0x7e00), { dim: 2, type: 'f16' }), wrong('rows'), /NaN/],
    ['a zero row under cosine', build([row, [0, 0, 0, 0]], { metric: 'cosine' }), wrong('rows'), /row 1 is all zeros/],
    ['too many components', build([new Float32Array(65_537)]), wrong('dim')],
  ],
  'options of a build': [
    ['null', build([row], any(null)), wrong('options')],
    ['an array', build([row], any([])), wrong('options')],
    ['a string', build([row], any('l2')), wrong('options')],
    ['a misspelt option', flat({ metrics: 'l2' }), wrong('metrics'), /did you mean 'metric'/],
    ['kebab case', flat({ 'leaf-size': 9 }), wrong('leaf-size'), /did you mean 'leafSize'/],
    ['swapped letters', flat({ tredas: 1 }), wrong('tredas'), /did you mean 'threads'|did you mean 'trees'/],
    ['nothing like an option', flat({ zzzzzzzzzz: 1 }), wrong('zzzzzzzzzz'), /known options are dim, type, metric/],
    ['an option of search', flat({ recall: 0.9 }), wrong('recall')],
    ['dim 0', build(rows, { dim: 0 }), wrong('dim')],
    ['dim of a fraction', build(rows, { dim: 1.5 }), wrong('dim')],
    ['dim as text', build(rows, { dim: '4' }), wrong('dim')],
    ['dim too large', build(rows, { dim: 65_537 }), wrong('dim')],
    ['type', flat({ type: 'f64' }), wrong('type')],
    ['metric', flat({ metric: 'cosin' }), wrong('metric'), /'cosin'.*did you mean 'cosine'/],
    ['metric of another type', flat({ metric: 2 }), wrong('metric'), /'l2', 'ip', 'cosine'/],
    ['metric null', flat({ metric: null }), wrong('metric')],
    ['storage', flat({ storage: 'f61' }), wrong('storage'), /did you mean 'f16'/],
    ['router', flat({ router: 'seq2sec' }), wrong('router'), /did you mean 'seq2seq'/],
    ['trainer', flat({ trainer: 'tfjs' }), wrong('trainer')],
    ['preset', flat({ preset: 'publised' }), wrong('preset'), /did you mean 'published'/],
    ['arity', flat({ arity: 1 }), wrong('arity')],
    ['leafSize', flat({ leafSize: 0 }), wrong('leafSize')],
    ['slack', flat({ slack: 0.99 }), wrong('slack')],
    ['slack NaN', flat({ slack: Number.NaN }), wrong('slack')],
    ['copies below one', flat({ copies: 0.5 }), wrong('copies')],
    ['copies above three', flat({ copies: 3.5 }), wrong('copies'), /from 1 to 3/],
    ['rounds', flat({ rounds: -1 }), wrong('rounds')],
    ['trees', flat({ trees: 5 }), wrong('trees')],
    ['threads', flat({ threads: -1 }), wrong('threads')],
    ['threads of a fraction', flat({ threads: 1.5 }), wrong('threads')],
    ['threads beyond reason', flat({ threads: 100_000 }), wrong('threads')],
    ['seed', flat({ seed: 0.5 }), wrong('seed')],
    ['seed as bigint', flat({ seed: 1n }), wrong('seed'), /1n/],
    ['signal', flat({ signal: {} }), wrong('signal')],
    ['onProgress', flat({ onProgress: 'yes' }), wrong('onProgress')],
    ['queries of another dim', flat({ queries: [[1, 2, 3]] }), mismatch(4, 3)],
    ['queries with NaN', build(rows, { dim: DIM, queries: [row, NAN] }), wrong('queries'), /component 2 of query 1/],
    ['no queries', flat({ queries: [] }), wrong('queries')],
    ['queries null', flat({ queries: null }), wrong('queries')],
    [
      'zero queries under cosine',
      flat({ metric: 'cosine', queries: [row, [0, 0, 0, 0]] }),
      wrong('queries'),
      /query 1 is all zeros/,
    ],
    ['codes of no bytes', flat({ codeBytes: 0 }), wrong('codeBytes')],
    ['codes of half a byte', flat({ codeBytes: 1.5 }), wrong('codeBytes')],
    ['code bytes as text', flat(any({ codeBytes: '2' })), wrong('codeBytes')],
    [
      'codes of more than half of dim',
      flat({ codeBytes: 3 }),
      wrong('codeBytes'),
      /codeBytes is 3, but at most 2 .* 4 components/,
    ],
  ],
  'a search': [
    ['no query', () => exact.search(any(undefined)), wrong('query')],
    ['null', () => exact.search(any(null)), wrong('query')],
    ['a number', () => exact.search(any(1)), wrong('query')],
    ['text', () => exact.search(any('abcd')), wrong('query')],
    ['too short', () => exact.search([1, 2, 3]), mismatch(4, 3)],
    ['too long', () => trained.search(rows), mismatch(4, rows.length)],
    ['empty', () => trained.search([]), mismatch(4, 0)],
    ['NaN', () => trained.search(NAN), wrong('query'), /component 2 of the query is NaN/],
    ['Infinity', () => exact.search(INFINITE), wrong('query'), /Infinity/],
    ['beyond f32', () => exact.search([0, 0, 0, 1e39]), wrong('query')],
    ['a hole', () => exact.search(any([1, , 3, 4])), wrong('query')],
    ['bigints', () => exact.search(any(new BigInt64Array(4))), wrong('query')],
    ['a zero query under cosine', () => cosine.search([0, 0, 0, 0]), wrong('query'), /all zeros/],
    ['options null', () => exact.search(row, any(null)), wrong('options')],
    ['options that are a number', () => exact.search(row, any(10)), wrong('options')],
    ['an unknown option', () => exact.search(row, any({ limit: 3 })), wrong('limit'), /known options are k, recall/],
    ['a misspelt one', () => exact.search(row, any({ recal: 0.9 })), wrong('recal'), /did you mean 'recall'/],
    ['k 0', () => exact.search(row, { k: 0 }), wrong('k')],
    ['k of a fraction', () => trained.search(row, { k: 1.5 }), wrong('k')],
    ['k NaN', () => trained.search(row, { k: Number.NaN }), wrong('k')],
    ['k as text', () => trained.search(row, any({ k: '3' })), wrong('k')],
    ['k null', () => trained.search(row, any({ k: null })), wrong('k')],
    ['k beyond 2^31', () => trained.search(row, { k: 2 ** 31 + 1 }), wrong('k')],
    ['recall 0', () => trained.search(row, { recall: 0 }), wrong('recall'), /above 0 and up to 1/],
    ['recall above 1', () => trained.search(row, { recall: 1.01 }), wrong('recall')],
    ['recall in percent', () => exact.search(row, { recall: 95 }), wrong('recall')],
    ['recall NaN', () => exact.search(row, { recall: Number.NaN }), wrong('recall')],
    ['recall as text', () => exact.search(row, any({ recall: '0.9' })), wrong('recall')],
    [
      'both kinds of effort',
      () => trained.search(row, any({ recall: 0.9, probes: 3 })),
      wrong('recall'),
      /one of them/,
    ],
    ['rerank without probes', () => trained.search(row, any({ rerank: 3 })), wrong('rerank')],
    ['rerank with recall', () => trained.search(row, any({ rerank: 3, recall: 0.9 })), wrong('rerank')],
    ['probes 0', () => trained.search(row, { probes: 0 }), wrong('probes')],
    ['probes of a fraction', () => trained.search(row, { probes: 2.5 }), wrong('probes')],
    ['rerank 0', () => trained.search(row, { probes: 2, rerank: 0 }), wrong('rerank')],
    ['an unknown id', () => trained.searchById(5000), wrong('id')],
    ['an option of a batch', () => trained.search(row, any({ threads: 1 })), wrong('threads')],
  ],
  'a batch': [
    ['no queries', () => trained.searchBatch([]), wrong('queries')],
    ['undefined', () => trained.searchBatch(any(undefined)), wrong('queries')],
    ['of another dim', () => exact.searchBatch([[1, 2]]), mismatch(4, 2)],
    ['of another dim, as it says', () => trained.searchBatch(rows, { dim: 3 }), mismatch(4, 3)],
    ['dim as text', () => trained.searchBatch(rows, any({ dim: '4' })), wrong('dim')],
    ['ragged', () => trained.searchBatch([row, [1, 2, 3]]), mismatch(4, 3)],
    ['no multiple of dim', () => trained.searchBatch(rows.subarray(0, 9)), wrong('queries')],
    ['with NaN', () => trained.searchBatch([row, NAN]), wrong('queries'), /component 2 of query 1 is NaN/],
    ['with zeros under cosine', () => cosine.searchBatch([row, [0, 0, 0, 0]]), { code: 'BATL_INVALID_ARGUMENT' }],
    ['with k 0', () => trained.searchBatch([row], { k: 0 }), wrong('k')],
    ['with threads -1', () => trained.searchBatch([row], { threads: -1 }), wrong('threads')],
    ['with threads null', () => trained.searchBatch([row], any({ threads: null })), wrong('threads')],
    ['with a signal that is none', () => trained.searchBatch([row], any({ signal: 1 })), wrong('signal')],
    ['with a misspelt option', () => trained.searchBatch([row], any({ thread: 1 })), wrong('thread'), /'threads'/],
  ],
  'an evaluation': [
    ['without queries', () => trained.evaluate([]), wrong('queries')],
    ['with another dim', () => trained.evaluate([[1]]), mismatch(4, 1)],
    [
      'with ground truth too short',
      () => trained.evaluate([row, row], { groundTruth: { ids: Uint32Array.of(1, 2), k: 2 } }),
      wrong('groundTruth'),
    ],
    [
      'with k beyond the ground truth',
      () => trained.evaluate([row], { k: 3, groundTruth: { ids: Uint32Array.of(1, 2), k: 2 } }),
      wrong('groundTruth'),
    ],
    [
      'with ids of no row',
      () => trained.evaluate([row], { k: 1, groundTruth: { ids: Uint32Array.of(9999), k: 1 } }),
      wrong('groundTruth'),
      /9999/,
    ],
    [
      'with ground truth without ids',
      () => trained.evaluate([row], any({ groundTruth: { k: 1 } })),
      wrong('groundTruth.ids'),
    ],
    ['with a misspelt field', () => trained.evaluate([row], any({ groundTruth: { id: [1], k: 1 } })), wrong('id')],
    ['with threads', () => trained.evaluate([row], any({ threads: 2 })), wrong('threads')],
  ],
  'an exact search': [
    ['of nothing', () => exactSearch([], [row], {}), wrong('rows')],
    ['for nothing', () => exactSearch([row], [], {}), wrong('queries')],
    ['of another dim', () => exactSearch([row], [[1]], {}), mismatch(4, 1)],
    [
      'with zeros under cosine',
      () => exactSearch([row], [row, [0, 0, 0, 0]], { metric: 'cosine' }),
      { code: 'BATL_INVALID_ARGUMENT' },
      /query 1 is all zeros/,
    ],
    ['with NaN', () => exactSearch([row], [NAN], {}), wrong('queries')],
    ['with a misspelt metric', () => exactSearch([row], [row], any({ metric: 'L2' })), wrong('metric'), /'l2'/],
    ['with an option of a build', () => exactSearch([row], [row], any({ slack: 1 })), wrong('slack')],
    ['with k 0', () => exactSearch([row], [row], { k: 0 }), wrong('k')],
  ],
  'an estimate': [
    ['of nothing', () => BatlIndex.estimate(any(undefined)), wrong('size')],
    ['without dim', () => BatlIndex.estimate(any({ size: 3 })), wrong('dim')],
    ['of no rows', () => BatlIndex.estimate({ size: 0, dim: 3 }), wrong('size')],
    ['of a fraction', () => BatlIndex.estimate({ size: 2.5, dim: 3 }), wrong('size')],
    [
      'with a misspelt option',
      () => BatlIndex.estimate(any({ size: 3, dim: 3, copys: 2 })),
      wrong('copys'),
      /'copies'/,
    ],
  ],
  'a file': [
    ['missing', () => BatlIndex.open(folder.path('none.batl')), wrong('path'), /no such file/],
    [
      'a folder',
      () => BatlIndex.open(folder.path('folder')),
      { name: expect.stringMatching(/Error$/), code: expect.stringMatching(/^BATL_/) },
    ],
    [
      'empty',
      () => BatlIndex.open(folder.path('empty')),
      { code: 'BATL_FORMAT', name: 'FormatError', offset: expect.any(Number) },
    ],
    ['of something else', () => BatlIndex.open(folder.path('text')), { code: 'BATL_FORMAT', offset: 0 }],
    ['truncated', () => BatlIndex.open(folder.path('truncated')), { code: 'BATL_FORMAT', offset: expect.any(Number) }],
    ['corrupt', () => BatlIndex.open(folder.path('corrupt')), { code: 'BATL_FORMAT', offset: expect.any(Number) }],
    [
      'of a future version',
      () => BatlIndex.open(folder.path('future')),
      { code: 'BATL_VERSION', name: 'VersionError', found: expect.stringMatching(/^9/), supported: expect.any(String) },
    ],
    ['no path', () => BatlIndex.open(any(undefined)), wrong('source')],
    ['bytes', () => BatlIndex.open(any(new Uint8Array(9))), wrong('source'), /fromBytes/],
    ['a URL that is no file', () => BatlIndex.open(new URL('https://example.org/x.batl')), wrong('path')],
    [
      'with an unknown option',
      () => BatlIndex.open(folder.path('x'), any({ thread: 1 })),
      wrong('thread'),
      /'threads'/,
    ],
    ['no bytes', () => BatlIndex.fromBytes(any([1, 2, 3])), wrong('bytes')],
    ['null', () => BatlIndex.fromBytes(any(null)), wrong('bytes')],
    ['text bytes', () => BatlIndex.fromBytes(new Uint8Array(100).fill(65)), { code: 'BATL_FORMAT' }],
    ['saving into no folder', () => exact.save(folder.path('none/x.batl')), wrong('path'), /folder does not exist/],
    ['saving over a folder', () => exact.save(folder.path('folder')), { code: expect.stringMatching(/^BATL_/) }],
    ['saving nowhere', () => exact.save(any(undefined)), wrong('path')],
    ['vectors of nowhere', () => readVectors(any(null)), wrong('path')],
    ['saving with an unknown option', () => exact.save(folder.path('x'), any({ sync: true })), wrong('sync')],
    ['a vector file of no kind', () => readVectors(folder.path('text')), { code: 'BATL_INVALID_ARGUMENT' }],
    ['attaching to nothing', () => BatlIndex.attach(undefined), wrong('handle')],
    ['attaching to an index itself', () => BatlIndex.attach(exact), wrong('handle')],
  ],
}

beforeAll(async () => {
  const bytes = trained.toBytes()
  await mkdir(folder.path('folder'))
  await writeFile(folder.path('empty'), '')
  await writeFile(folder.path('text'), 'this is no index\n'.repeat(50))
  await writeFile(folder.path('truncated'), bytes.subarray(0, bytes.length - 64))
  const corrupt = bytes.slice()
  corrupt[bytes.length >> 1]! ^= 4
  await writeFile(folder.path('corrupt'), corrupt)
  const future = bytes.slice()
  // Where FORMAT.md puts the major version.
  new DataView(future.buffer).setUint16(8, 9, true)
  await writeFile(folder.path('future'), future)
})

describe.each(Object.entries(CASES))('%s', (_, cases) => {
  test.each(cases)('%s', async (_what, action, wanted, message = /.{15}/) => {
    const error = await failure(action)
    expect(error).toMatchObject(wanted)
    expect(error).toBeInstanceOf(BatlError)
    expect(error.code).toMatch(/^BATL_[A-Z_]+$/)
    expect(error.message).toMatch(message)
  })
})

test('after all that the indexes are as they were', async () => {
  expect(await answers()).toEqual(before)
})

test('an option that is undefined counts as absent', async () => {
  const options = { dim: DIM, metric: undefined, ids: undefined, queries: undefined, signal: undefined, k: undefined }
  const { k, ...given } = options
  const index = await BatlIndex.build(rows.subarray(0, 40), any(given))
  expect(index.metric).toBe('l2')
  expect(index.search(row, any({ k, recall: undefined, probes: undefined }))).toEqual(index.search(row))
  expect(await index.searchBatch([row], any({ threads: undefined, dim: undefined, signal: undefined, k }))).toEqual(
    await index.searchBatch([row]),
  )
  await index.close()
})

test('every class has its code, its name and its typed fields', () => {
  const errors: [BatlError, string, object][] = [
    [new InvalidArgumentError('k', 'k is wrong'), 'BATL_INVALID_ARGUMENT', { argument: 'k' }],
    [new DimensionMismatchError(3, 4), 'BATL_DIMENSION_MISMATCH', { expected: 3, received: 4 }],
    [new CapacityError('too much', 1, 2), 'BATL_CAPACITY', { limit: 1, wanted: 2 }],
    [new FormatError('no index', 12), 'BATL_FORMAT', { offset: 12 }],
    [new VersionError('9.0', '1'), 'BATL_VERSION', { found: '9.0', supported: '1' }],
    [new ClosedError(), 'BATL_CLOSED', {}],
    [new UnsupportedError('not here'), 'BATL_UNSUPPORTED', {}],
  ]
  for (const [error, code, fields] of errors) {
    expect(error).toBeInstanceOf(BatlError)
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ code, name: error.constructor.name, ...fields })
  }
})
