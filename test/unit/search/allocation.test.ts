import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { BatlIndex } from '../../../build/index.js'
import { Rng } from '../../../build/base/rng.js'
import { viewSnapshot } from '../../../build/format/decode.js'
import { Arena } from '../../../build/kernels/memory.js'
import { Searcher } from '../../../build/search/searcher.js'
import { finiteIn, makeRegion, type MakeOptions } from '../../format/make.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const DIM = 24
const SEARCHES = 20_000
const rng = new Rng(1)
const queries = Array.from({ length: 64 }, () => Float32Array.from({ length: DIM }, () => rng.below(10) + 0.5))
const shape: MakeOptions = { size: 5000, dim: DIM, rowType: 'f32', arities: [8, 8], copies: 1.5 }

/** Settings as a stream of callers might mix them. */
const effortOf = (i: number) => ({ probes: 1 + (i % 5), beamWidth: 4, rerank: 20 + (i % 30) })

describe.each([
  ['one tree', {}],
  ['two trees', { trees: 2 }],
  ['cosine, residual', { metric: 'cosine', router: 'residual' }],
  ['a rotation', { rotated: true, metric: 'ip' }],
] as [string, MakeOptions][])('a searcher over %s', (_, options) => {
  test(`allocates nothing that lasts in ${SEARCHES} searches, and next to nothing that does not`, async () => {
    const bytes = await makeRegion({ ...shape, ...options })
    const arena = Arena.create(bytes.length)
    const region = arena.u8(arena.allocate(bytes.length), bytes.length)
    region.set(bytes)
    const searcher = new Searcher(arena, await viewSnapshot(region, finiteIn(bytes)))
    const [ids, distances] = [new Uint32Array(10), new Float32Array(10)]
    const run = (count: number): void => {
      for (let i = 0; i < count; i++) searcher.search(queries[i % 64]!, 10, effortOf(i), ids, distances)
    }
    // Compiles the code and sizes the scratch.
    run(3000)
    collect()
    const memory = arena.memory.buffer.byteLength
    const before = process.memoryUsage()
    run(SEARCHES)
    collect()
    const after = process.memoryUsage()
    expect(arena.memory.buffer.byteLength).toBe(memory)
    expect(after.heapUsed - before.heapUsed).toBeLessThan(1 << 20)
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1 << 20)
    // Far fewer than fill the young generation, so that no garbage is gone when it is counted.
    const garbage = process.memoryUsage().heapUsed
    run(200)
    expect((process.memoryUsage().heapUsed - garbage) / 200).toBeLessThan(4096)
    searcher.close()
  })
})

describe('the public search', () => {
  let index: BatlIndex
  beforeAll(async () => {
    index = await BatlIndex.fromBytes(await makeRegion(shape))
  })
  afterAll(() => index.close())

  test('keeps nothing but the results that its caller keeps', () => {
    for (let i = 0; i < 3000; i++) index.search(queries[i % 64]!)
    collect()
    const before = process.memoryUsage()
    let sum = 0
    for (let i = 0; i < SEARCHES; i++) sum += index.search(queries[i % 64]!, { probes: 1 + (i % 5) }).ids[0]!
    expect(sum).toBeGreaterThan(0)
    collect()
    const after = process.memoryUsage()
    expect(after.heapUsed - before.heapUsed).toBeLessThan(1 << 20)
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1 << 20)
  })
})
