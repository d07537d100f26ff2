// @ts-check
/**
 * Makes the demo's data: the 61,000 words used most, as 8-bit rows of 100 components, 1,000 of them set aside as queries.
 * Run it with `node examples/demo/make-data.js`, with the shared data in `$BATL_SHARED` or `../shared`.
 *
 * The shared rows are shuffled and carry no word counts. But words that are used often lean in one direction in GloVe, so
 * a few everyday words are enough to find it and to sort by it.
 * @see Mu and Viswanath, "All-but-the-Top" (ICLR 2018): the leading directions of word vectors encode frequency
 */
import {
  GLOVE_DIM,
  nearest,
  quantise,
  readGlove,
  readGloveWords,
  writeGzip,
  writeRows,
} from '../../test/fixtures/glove.js'

const SIZE = 60_000
const QUERIES = 1_000
/** Rows a file: below 3 MB each. */
const PART = 30_000
const EVERYDAY =
  'the of and to in a is that it was for on are as with his they at be this from have or by one had not but what all ' +
  'were when we there can an your which their said if do will each about how up out them then she many some so these ' +
  'would other into has more her two like him see time could no make than first been its who now people my made over ' +
  'did down only way find use may water long little very after words called just where most know get through back'

const values = readGlove('base')
const words = readGloveWords('base')
const order = byUse()

// Every 61st of the chosen words is a query: the queries are as common as the rows.
const isQuery = (/** @type {number} */ place) => place % (SIZE / QUERIES + 1) === SIZE / QUERIES
const queries = order.filter((_, place) => isQuery(place))
const rows = order.filter((_, place) => !isQuery(place))
const at = (/** @type {string} */ name) => new URL(`data/${name}`, import.meta.url)
for (let part = 0; part * PART < SIZE; part++) {
  writeRows(at(`words-${part + 1}.i8bin.gz`), quantise(values, rows.slice(part * PART, (part + 1) * PART)))
}
writeRows(at('queries.i8bin.gz'), quantise(values, queries))
for (const [name, chosen] of /** @type {const} */ ([
  ['words', rows],
  ['queries', queries],
])) {
  writeGzip(at(`${name}.txt.gz`), Buffer.from(chosen.map((row) => words[row]).join('\n') + '\n'))
}
console.log(`of the ten nearest by the original rows, the 8-bit rows keep ${(100 * kept()).toFixed(1)}%`)

/** Numbers of the rows of plain lowercase words, the most used first. */
function byUse() {
  const everyday = new Set(EVERYDAY.split(' '))
  const direction = new Float64Array(GLOVE_DIM)
  const common = words.flatMap((word, row) => (everyday.has(word) ? [row] : []))
  for (let row = 0; row < words.length; row++) add(direction, row, -1 / words.length)
  for (const row of common) add(direction, row, 1 / common.length)
  const lean = words.map((_, row) => direction.reduce((sum, x, j) => sum + x * (values[row * GLOVE_DIM + j] ?? 0), 0))
  return words
    .flatMap((word, row) => (/^[a-z]{2,}$/.test(word) ? [row] : []))
    .sort((a, b) => (lean[b] ?? 0) - (lean[a] ?? 0))
    .slice(0, SIZE + QUERIES)
}

/**
 * @param {Float64Array} sum
 * @param {number} row
 * @param {number} weight
 */
function add(sum, row, weight) {
  for (let j = 0; j < GLOVE_DIM; j++) sum[j] = (sum[j] ?? 0) + weight * (values[row * GLOVE_DIM + j] ?? 0)
}

/** Share of the ten nearest rows of 100 queries that are the same before and after rounding to 8 bits. */
function kept() {
  const some = queries.slice(0, 100)
  const take = (/** @type {number[]} */ chosen) =>
    Float32Array.from(chosen.flatMap((row) => [...values.subarray(row * GLOVE_DIM, (row + 1) * GLOVE_DIM)]))
  const exact = nearest(take(rows), take(some), 10).ids
  const rounded = nearest(quantise(values, rows), quantise(values, some), 10).ids
  let same = 0
  for (let i = 0; i < exact.length; i++) {
    const query = Math.floor(i / 10) * 10
    if (rounded.subarray(query, query + 10).includes(exact[i] ?? 0)) same++
  }
  return same / exact.length
}
