/**
 * Deno: a program that searches needs no right but reading, since the kernels are in the package and nothing is native.
 * `deno run --allow-read --allow-write --allow-env --allow-sys examples/deno/build.js rows.batl`, then
 * `deno run --allow-read examples/deno/search.js rows.batl`
 */
import { BatlIndex } from 'batl/search'

const [file] = Deno.args
const index = await BatlIndex.open(file)
const row = index.get(42)
const { ids, distances } = index.search(row, { k: 5 })
for (const [place, id] of ids.entries()) console.log(`row ${id} at distance ${distances[place].toFixed(4)}`)
await index.close()
