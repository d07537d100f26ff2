import { describe, expect, test } from '@jest/globals'
import { BatlIndex, type BuildOptions } from '../../build/index.js'
import { sameBytes } from '../api/support.js'
import { loadGlove } from '../fixtures/load.js'
import { trainers } from '../train/availability.js'

const glove = loadGlove()
const { dim } = glove
const rows = glove.rows.subarray(0, 5000 * dim)

async function bytesOf(options: BuildOptions): Promise<{ bytes: Uint8Array; trainer: string }> {
  await using index = await BatlIndex.build(rows, { dim, metric: 'cosine', leafSize: 60, ...options })
  return { bytes: index.toBytes(), trainer: index.stats().trainer }
}

describe.each(trainers)('trained by %s', (trainer) => {
  test('the same rows, options and seed give the same bytes on 1, 2 and 3 threads', async () => {
    const [one, two, three] = [
      await bytesOf({ trainer, threads: 1 }),
      await bytesOf({ trainer, threads: 2 }),
      await bytesOf({ trainer, threads: 3 }),
    ]
    expect(one.trainer).toBe(trainer)
    expect(sameBytes(one.bytes, two.bytes)).toBe(true)
    expect(sameBytes(one.bytes, three.bytes)).toBe(true)
  })
})

test('the same with a log of queries, two trees, a tree update and a residual router', async () => {
  const options: BuildOptions = { trainer: 'wasm', queries: glove.queries, trees: 2, rounds: 1, router: 'residual' }
  const [one, two] = [await bytesOf({ ...options, threads: 1 }), await bytesOf({ ...options, threads: 2 })]
  expect(sameBytes(one.bytes, two.bytes)).toBe(true)
})

test('another seed gives another index', async () => {
  const [one, two] = [await bytesOf({ trainer: 'wasm', seed: 1 }), await bytesOf({ trainer: 'wasm', seed: 2 })]
  expect(one.bytes.length).toBe(two.bytes.length)
  expect(sameBytes(one.bytes, two.bytes)).toBe(false)
})

test('how the rows are given makes no difference', async () => {
  const blocks = async function* (): AsyncGenerator<Int8Array> {
    for (let at = 0; at < rows.length; at += 700 * dim) yield rows.subarray(at, at + 700 * dim)
  }
  const given = { dim, metric: 'cosine', leafSize: 60, trainer: 'wasm', copies: 1 } as const
  await using flat = await BatlIndex.build(rows, given)
  await using streamed = await BatlIndex.build(blocks(), given)
  await using buffer = await BatlIndex.build(Buffer.from(rows.buffer, 0, rows.length), { ...given, type: 'i8' })
  expect(sameBytes(flat.toBytes(), streamed.toBytes())).toBe(true)
  expect(sameBytes(flat.toBytes(), buffer.toBytes())).toBe(true)
})
