// @ts-check
/**
 * Generated factors, as matrix factorisation would learn them from purchases: popular items have long vectors, and users
 * are no items. Bring your own; nothing here is real.
 */
export const DIM = 16

const GENRES = 40

/**
 * Numbers in [0, 1) that are the same in every run.
 * @param {number} seed
 */
function generator(seed) {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 8) / 2 ** 24
  }
}

/** @param {() => number} next */
const bell = (next) => next() + next() + next() + next() - 2

/** What the dimensions mean is the same for items and users: directions of genres. */
const genres = (() => {
  const next = generator(1)
  return Array.from({ length: GENRES }, () => Array.from({ length: DIM }, () => bell(next)))
})()

/**
 * Items: a genre each, with a popularity that runs over two decades.
 * @param {number} count
 * @returns {Float32Array} `[count * DIM]`
 */
export function makeItems(count) {
  const next = generator(2)
  const rows = new Float32Array(count * DIM)
  for (let item = 0; item < count; item++) {
    const genre = genres[Math.floor(next() * GENRES)] ?? []
    const popularity = 0.1 * 100 ** (next() ** 2)
    for (let j = 0; j < DIM; j++) rows[item * DIM + j] = popularity * ((genre[j] ?? 0) + 0.7 * bell(next))
  }
  return rows
}

/**
 * Users: a taste for two genres.
 * @param {number} count
 * @param {number} seed
 * @returns {Float32Array} `[count * DIM]`
 */
export function makeUsers(count, seed) {
  const next = generator(seed)
  const rows = new Float32Array(count * DIM)
  for (let user = 0; user < count; user++) {
    const [first, second] = [genres[Math.floor(next() * GENRES)] ?? [], genres[Math.floor(next() * GENRES)] ?? []]
    for (let j = 0; j < DIM; j++) rows[user * DIM + j] = (first[j] ?? 0) + 0.5 * (second[j] ?? 0) + 0.5 * bell(next)
  }
  return rows
}
