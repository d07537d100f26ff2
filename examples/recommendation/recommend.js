// @ts-check
/**
 * Recommendation: the items whose inner product with a user is largest. Yesterday's users are the query log from which the
 * index learns where users look. `node examples/recommendation/recommend.js`
 */
import { BatlIndex } from 'batl'
import { DIM, makeItems, makeUsers } from './data.js'

const items = makeItems(5000)
const yesterday = makeUsers(2500, 3)
const today = makeUsers(500, 4)

const index = await BatlIndex.build(items, { dim: DIM, metric: 'ip', queries: yesterday })

const user = today.subarray(0, DIM)
const { ids, distances } = index.search(user, { k: 5 })
console.log('The first of today’s users may like:')
// The distance of an inner product is its negative, so that less is nearer.
for (const [place, item] of ids.entries()) console.log(`  item ${item}, score ${(-(distances[place] ?? 0)).toFixed(2)}`)

for (const recall of [0.9, 0.99]) {
  const found = await index.evaluate(today, { k: 10, recall })
  const looked = found.candidatesPct.toFixed(1)
  console.log(`asked for recall ${recall}: ${found.recall.toFixed(3)}, looking at ${looked}% of the items`)
}
await index.close()
