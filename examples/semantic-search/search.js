// @ts-check
/**
 * Semantic search: the stored embeddings of some texts, and a question that shares no word with its answers.
 * `node examples/semantic-search/search.js cooking dinner`
 */
import { BatlIndex, readVectors } from 'batl'
import { embed, texts } from './model.js'

const { rows, dim, size } = await readVectors(new URL('embeddings.fbin', import.meta.url))
if (size !== texts.length) throw new Error('texts.txt has changed; run make-embeddings.js')

// The texts are the ids. With many or long texts take short ids, and look the texts up by them.
const index = await BatlIndex.build(rows, { dim, metric: 'cosine', ids: texts })

const question = process.argv.slice(2).join(' ') || 'crime and justice'
const { ids, distances } = index.search(embed(question), { k: 3 })
console.log(`${question}:`)
for (const [place, text] of ids.entries()) console.log(`  ${(1 - (distances[place] ?? 0)).toFixed(2)}  ${text}`)
await index.close()
