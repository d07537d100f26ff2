// @ts-check
/**
 * Builds the index that the page opens: 4,000 words by their GloVe vectors. Index once, where there is time and memory;
 * a page, a phone or an edge worker only opens the file. `node examples/browser/make-index.js site/words.batl`
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { BatlIndex, readVectors } from 'batl'

const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('name the file to write: node make-index.js site/words.batl')
const data = (/** @type {string} */ name) => new URL(`../demo/data/${name}`, import.meta.url)
const { rows, dim } = await readVectors(data('words-1.i8bin.gz'))
const words = gunzipSync(readFileSync(data('words.txt.gz')))
  .toString('utf8')
  .split('\n', 4000)

const index = await BatlIndex.build(rows.subarray(0, words.length * dim), { dim, metric: 'cosine', ids: words })
await index.save(file)
await index.close()
