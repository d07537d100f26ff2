// @ts-check
/** Embeds the texts once and stores the result beside them: `node examples/semantic-search/make-embeddings.js`. */
import { writeFileSync } from 'node:fs'
import { DIM, embed, texts } from './model.js'

// A .fbin file: the number of rows and of components, then the rows.
const rows = new Float32Array(texts.flatMap((text) => Array.from(embed(text))))
const header = new Uint32Array([texts.length, DIM])
writeFileSync(
  process.argv[2] ?? new URL('embeddings.fbin', import.meta.url),
  Buffer.concat([Buffer.from(header.buffer), Buffer.from(rows.buffer)]),
)
console.log(`${texts.length} texts, ${DIM} components each`)
