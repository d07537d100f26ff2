import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { BatlError, BatlIndex, type IdArray, type SearchOptions } from '../../build/index.js'
import { alterRegion, BASES } from './alter.js'
import { makeRegion } from './make.js'

const CASES = 900
const EFFORTS: SearchOptions[] = [
  { k: 3 },
  { k: 2, recall: 0.1 },
  { k: 100, probes: 1 },
  { k: 3, probes: 2, rerank: 1 },
  { recall: 1 },
]

/** min(k, size) different rows of the index, each known to it, whatever numbers the file holds. */
function expectAnswers<I extends IdArray>(index: BatlIndex<I>, ids: I, k: number): void {
  const listed = Array.from(ids as ArrayLike<I[number]>)
  expect(listed).toHaveLength(Math.min(k, index.size))
  expect(new Set(listed).size).toBe(listed.length)
  for (const id of listed) expect(index.has(id)).toBe(true)
}

test(`an altered file with repaired checksums is refused or answers, in ${CASES} cases`, async () => {
  const bases = await Promise.all(BASES.map((options) => makeRegion(options)))
  const rng = new Rng(20_260_202)
  let [opened, refused] = [0, 0]
  for (let i = 0; i < CASES; i++) {
    const region = bases[i % bases.length]!.slice()
    await alterRegion(region, rng)
    let index: BatlIndex<IdArray> | undefined
    try {
      index = await BatlIndex.fromBytes<IdArray>(region)
    } catch (error) {
      if (!(error instanceof BatlError)) throw new Error(`case ${i}: ${String(error)}`, { cause: error })
      refused++
      continue
    }
    opened++
    const query = Array.from({ length: index.dim }, () => rng.below(100) / 50 - 0.99)
    const bare = index.stats().storage === 'none'
    for (const effort of EFFORTS) {
      if (bare && 'rerank' in effort) continue
      expectAnswers(index, index.search(query, effort).ids, effort.k ?? 10)
    }
    const own = index.search(query, { k: 1 }).ids[0]!
    if (bare) {
      await index.close()
      continue
    }
    expectAnswers(index, index.searchById(own, { k: 1 }).ids, Math.min(1, index.size - 1))
    expect(index.get(own)).toHaveLength(index.dim)
    await index.close()
  }
  expect(opened).toBeGreaterThan(CASES / 20)
  expect(refused).toBeGreaterThan(CASES / 4)
})
