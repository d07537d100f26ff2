/**
 * Bun: builds an index of generated rows, saves it, and opens it again as a Blob. `bun examples/bun/search.js rows.batl`
 */
import { BatlIndex } from 'batl'

const DIM = 32
// Rows around a hundred centres: rows whose numbers differ by a multiple of a hundred are near each other.
const noise = (x) => (Math.sin(x * 12.9898) * 43758.5453) % 1
const rows = new Float32Array(4000 * DIM)
for (let i = 0; i < rows.length; i++) {
  const centre = Math.floor(i / DIM) % 100
  rows[i] = noise(centre * DIM + (i % DIM) + 1e6) + 0.3 * noise(i)
}

const [file] = Bun.argv.slice(2)
const built = await BatlIndex.build(rows, { dim: DIM, metric: 'cosine' })
await built.save(file)
await built.close()

const index = await BatlIndex.open(Bun.file(file))
const { ids, distances } = index.search(index.get(42), { k: 5 })
for (const [place, id] of ids.entries()) console.log(`row ${id} at distance ${distances[place].toFixed(4)}`)
await index.close()
