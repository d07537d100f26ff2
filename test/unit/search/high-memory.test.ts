import { beforeAll, expect, test } from '@jest/globals'
import { BatlIndex } from '../../../build/index.js'
import { Rng } from '../../../build/base/rng.js'
import { openCopy, type OpenIndex } from '../../../build/open.js'
import { Searcher } from '../../../build/search/searcher.js'

const DIM = 256
const SIZE = 6000
/** Directions that the rows lie along: few enough for a rotation to help. */
const DIRECTIONS = 20
const K = 10
const EFFORT = { probes: 10, beamWidth: 10, rerank: 50 }

const rows = new Float32Array(SIZE * DIM)
let open: OpenIndex
beforeAll(async () => {
  const rng = new Rng(1)
  const directions = Float32Array.from({ length: DIRECTIONS * DIM }, () => rng.normal())
  for (let row = 0; row < SIZE; row++) {
    for (let d = 0; d < DIRECTIONS; d++) {
      const weight = rng.normal()
      for (let i = 0; i < DIM; i++) rows[row * DIM + i]! += weight * directions[d * DIM + i]!
    }
  }
  const index = await BatlIndex.build(rows, { dim: DIM, threads: 1 })
  open = await openCopy(index.toBytes(), undefined)
  await index.close()
}, 60_000)

test('a searcher whose scratch lies beyond 2 GiB answers as one below', () => {
  const { arena, snapshot } = open
  expect(snapshot.rotated).toBe(true)
  const low = new Searcher(arena, snapshot)
  expect(arena.allocate(2 ** 31)).toBeGreaterThan(0)
  const high = new Searcher(arena, snapshot)
  for (let at = 0; at < 50 * DIM; at += DIM) {
    const [expected, found] = [low, high].map((searcher) => {
      const ids = new Uint32Array(K)
      const distances = new Float32Array(K)
      searcher.search(rows.subarray(at, at + DIM), K, EFFORT, ids, distances)
      return { ids, distances }
    })
    expect(found).toEqual(expected)
  }
})
