/** The rows that every runtime builds from: whole-number arithmetic, so the same bits everywhere. */
export const DIM = 24
export const SIZE = 10_000
export const SMALL = 500
/** Neighbours asked for. */
export const K = 5
/** Rows that are asked for as queries. */
export const QUERIES = 200

/** @param {number} seed */
function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 8) / 2 ** 24
  }
}

/**
 * Rows [count * DIM] around forty centres.
 * @param {number} count
 */
export function makeRows(count) {
  const next = random(1)
  const centres = Array.from({ length: 40 * DIM }, () => next() * 20)
  const rows = new Float32Array(count * DIM)
  for (let row = 0; row < count; row++) {
    const centre = Math.floor(next() * 40) * DIM
    for (let j = 0; j < DIM; j++) rows[row * DIM + j] = centres[centre + j] + next() * 4 + next() * 4
  }
  return rows
}

/**
 * Ids of the nearest rows of the first queries, one search after the other.
 * @param {{ search(query: Float32Array, options: object): { ids: ArrayLike<number> } }} index
 * @param {Float32Array} rows
 */
export function answers(index, rows) {
  const found = []
  for (let i = 0; i < QUERIES; i++) found.push(...index.search(rows.subarray(i * DIM, (i + 1) * DIM), { k: K }).ids)
  return found
}

/**
 * A checksum of bytes, for comparing what two runtimes built.
 * @param {Uint8Array} bytes
 */
export function sumOf(bytes) {
  let sum = 0
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0
  return sum
}
