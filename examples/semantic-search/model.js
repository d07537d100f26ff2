// @ts-check
/**
 * Stands in for your embedding model: the mean of the vectors of a text's words, rare words counting more. It uses the
 * 60,000 words of GloVe that come with the demo, so it needs no network; a model of sentences finds far better answers.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { readVectors } from 'batl'

const data = (/** @type {string} */ name) => new URL(`../demo/data/${name}`, import.meta.url)
const parts = await Promise.all(['words-1.i8bin.gz', 'words-2.i8bin.gz'].map((name) => readVectors(data(name))))
const words = gunzipSync(readFileSync(data('words.txt.gz')))
  .toString('utf8')
  .trimEnd()
  .split('\n')
const rows = new Map(words.map((word, row) => [word, row]))

/** The texts that are searched, one a line. */
export const texts = readFileSync(new URL('texts.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')

/** Components of an embedding. */
export const DIM = parts[0]?.dim ?? 0

/**
 * The words of a text, lower case.
 * @param {string} text
 */
const wordsOf = (text) => text.toLowerCase().match(/[a-z]+/g) ?? []

/** How many of the texts have a word. @type {Map<string, number>} */
const counts = new Map()
for (const text of texts) for (const word of new Set(wordsOf(text))) counts.set(word, (counts.get(word) ?? 0) + 1)

/**
 * @param {string} text
 * @returns {Float32Array} `[DIM]`
 */
export function embed(text) {
  const sum = new Float32Array(DIM)
  for (const word of wordsOf(text)) {
    const row = rows.get(word)
    if (row === undefined) continue
    const first = parts[0]?.size ?? 0
    const vectors = row < first ? parts[0]?.rows : parts[1]?.rows
    const start = (row < first ? row : row - first) * DIM
    const weight = 1 / (counts.get(word) ?? 1)
    for (let j = 0; j < DIM; j++) sum[j] = (sum[j] ?? 0) + weight * (vectors?.[start + j] ?? 0)
  }
  if (sum.every((value) => value === 0)) throw new Error(`'${text}' has no word that the model knows`)
  return sum
}
