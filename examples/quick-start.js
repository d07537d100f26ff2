// @ts-check
/** The five-minute start of README: build, search, save, open. Run it with `node examples/quick-start.js` after a build. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatlIndex } from 'batl'

// Twenty thousand rows of 32 components around a hundred centres; bring your own embeddings instead.
const SIZE = 20_000
const DIM = 32
const CENTRES = 100
const wave = (/** @type {number} */ x) => Math.sin(x * 12.9898) * 43758.5453
const noise = (/** @type {number} */ x) => wave(x) - Math.floor(wave(x)) - 0.5
const rows = new Float32Array(SIZE * DIM)
for (let i = 0; i < rows.length; i++) {
  const centre = Math.floor(i / DIM) % CENTRES
  rows[i] = noise(centre * DIM + (i % DIM) + 1e6) + 0.3 * noise(i)
}

const folder = await mkdtemp(join(tmpdir(), 'batl-'))
const file = join(folder, 'rows.batl')
const built = await BatlIndex.build(rows, { dim: DIM, metric: 'cosine', seed: 1 })
await built.save(file)
await built.close()

const index = await BatlIndex.open(file)
try {
  // The query is row 42: its own number comes first, then its neighbours of the same centre.
  const { ids, distances } = index.search(rows.subarray(42 * DIM, 43 * DIM), { k: 5, recall: 0.95 })
  for (const [place, id] of ids.entries()) console.log(`row ${id} at distance ${distances[place]?.toFixed(4)}`)
} finally {
  await index.close()
  await rm(folder, { recursive: true })
}
