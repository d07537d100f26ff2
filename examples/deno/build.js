/** Deno: builds an index of generated rows and saves it. See search.js for how both are run. */
import { BatlIndex } from 'batl'

const DIM = 32
// Rows around a hundred centres: rows whose numbers differ by a multiple of a hundred are near each other.
const noise = (x) => (Math.sin(x * 12.9898) * 43758.5453) % 1
const rows = new Float32Array(4000 * DIM)
for (let i = 0; i < rows.length; i++) {
  const centre = Math.floor(i / DIM) % 100
  rows[i] = noise(centre * DIM + (i % DIM) + 1e6) + 0.3 * noise(i)
}

const [file] = Deno.args
const index = await BatlIndex.build(rows, { dim: DIM, metric: 'cosine' })
await index.save(file)
console.log(`saved ${index.size} rows of ${index.dim} components`)
await index.close()
