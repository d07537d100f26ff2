// @ts-check

/** Sets that are larger than what the published network can be trained on here. */
const LARGE = ['glove-100', 'sift-1m']
/**
 * One change at a time from the default. `options` are public build options, `study` what only studies may ask.
 * `norms`: no index, but the rows of largest norm, scanned exactly. `rows`: only so many rows of the set. `log`: give the query log where the set has one (default true).
 * @type {Record<string, { options?: import('../../build/index.js').BuildOptions, study?: import('../../build/builder/context.js').Study, norms?: boolean, rows?: number, log?: boolean, sets?: string[] }>}
 */
export const VARIANTS = {
  flat: { study: { flat: true }, options: { copies: 1 }, log: false },
  default: {},
  'no log': { log: false, sets: ['mips-amazon', 'sift-1m'] },
  'copies 1': { options: { copies: 1 } },
  'copies 1.25': { options: { copies: 1.25 } },
  'copies 1.5': { options: { copies: 1.5 }, sets: ['mips-amazon'] },
  'copies 2': { options: { copies: 2 } },
  'every row twice': { options: { copies: 2 }, study: { evenCopies: true } },
  'slack 1': { options: { slack: 1 } },
  residual: { options: { router: 'residual' } },
  'one round of tree update': { options: { rounds: 1 } },
  'random start': { options: { preset: 'published', router: 'linear', slack: 1.2, copies: 1.5, rounds: 4 } },
  'rows of largest norm': { norms: true, sets: ['mips-amazon'] },
  'first 100k: flat': { rows: 100_000, study: { flat: true }, options: { copies: 1 }, log: false, sets: LARGE },
  'first 100k: default': { rows: 100_000, sets: LARGE },
  'first 100k: seq2seq': { rows: 100_000, options: { router: 'seq2seq' }, sets: LARGE },
}

/** Mean rows a leaf in each set's study: 8,192 leaves on the two larger ones. */
export const LEAF_SIZE = /** @type {Record<string, number>} */ ({
  'glove-100': 331_479 / 8192,
  'sift-1m': 1_000_000 / 8192,
})
