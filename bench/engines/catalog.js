// @ts-check
/**
 * The engines: where each comes from, how its index is built, and the knobs that are swept. Settings are those that its own
 * documentation recommends; where that gives a range, the comment says what was taken.
 */

/** @typedef {import('../harness/data.js').PreparedSet} PreparedSet */
/**
 * Points along one knob, the others fixed. Whole numbers up to `most` may be put between the values; without it only the
 * values are measured.
 * @typedef {{ fixed: Record<string, number>, knob: string, values: number[], most?: number }} Family
 * @typedef {{ title: string, script: string, from: 'own' | 'npm' | 'PyPI', packages: string[], indexOf?: string,
 *   suits?: (set: PreparedSet) => boolean, build: (set: PreparedSet) => Record<string, unknown>,
 *   families: (set: PreparedSet, info: any, k: number) => Family[], queryLimit?: number }} Engine
 */

/** Settings of ours at which recall is asked for. */
const RECALLS = [
  0.5, 0.6, 0.7, 0.75, 0.8, 0.84, 0.87, 0.89, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99,
  0.993, 0.995, 0.997,
]

/** Powers of two from `first`, up to and with `last`. @param {number} first @param {number} last */
function doubling(first, last) {
  const values = []
  for (let value = first; value < last; value *= 2) values.push(value)
  return [...values, last]
}

/** The widest efSearch: recall of .99 needs a few hundred to two thousand. @param {number} k */
const beam = (k) => doubling(Math.max(k, 10), Math.max(4 * k, 2560))

/** Faiss, "Guidelines to choose an index", below one million rows: 4 to 16 sqrt(n) lists; 4 here. @param {PreparedSet} set */
const lists = ({ size }) => Math.max(1, Math.round(4 * Math.sqrt(size)))

/** About twice the square root of the rows, as in ScaNN's own entry in ann-benchmarks. @param {PreparedSet} set */
const leaves = ({ size }) => Math.max(1, Math.round(2 * Math.sqrt(size)))

/** The most sub-codes of two or more components each. @param {PreparedSet} set */
function subCodes({ dim }) {
  for (let count = Math.floor(dim / 2); count > 1; count--) if (dim % count === 0) return count
  return 1
}

/** Ours; the sweep over probes has a family for each rerank where the index has codes. @param {boolean} log @returns {Engine} */
function batl(log) {
  return {
    title: log ? 'BATL with a query log' : 'BATL',
    script: 'batl.js',
    from: 'own',
    packages: [],
    ...(log ? { suits: (/** @type {PreparedSet} */ set) => set.log !== undefined } : {}),
    build: () => (log ? { log: true } : {}),
    families: (_, { leaves: most, codes }, k) => [
      { fixed: {}, knob: 'recall', values: RECALLS },
      ...(codes ? [2, 4, 8, 16, 32] : [1]).map((factor) => ({
        fixed: codes ? { rerank: factor * k } : {},
        knob: 'probes',
        values: doubling(1, most),
        most,
      })),
    ],
  }
}

/** @param {string} title @param {(set: PreparedSet) => string} factory @returns {Engine} */
function faissIvf(title, factory) {
  return {
    title,
    script: 'peer_faiss.py',
    from: 'PyPI',
    packages: ['faiss-cpu==1.15.1', 'numpy'],
    build: (set) => ({ factory: factory(set) }),
    families: (set) =>
      [2, 5, 10, 20, 50].map((factor) => ({
        fixed: { k_factor_rf: factor },
        knob: 'nprobe',
        values: doubling(1, lists(set)),
        most: lists(set),
      })),
  }
}

/** @param {boolean} soar @returns {Engine} */
function scann(soar) {
  return {
    title: soar ? 'ScaNN with SOAR' : 'ScaNN',
    script: 'peer_scann.py',
    from: 'PyPI',
    packages: ['scann==1.4.2', 'numpy'],
    // Its builder refuses SOAR for squared L2.
    ...(soar ? { suits: (/** @type {PreparedSet} */ { metric }) => metric !== 'l2' } : {}),
    build: (set) => ({
      num_leaves: leaves(set),
      training_sample_size: 250_000,
      dimensions_per_block: 2,
      anisotropic_quantization_threshold: 0.2,
      reorder: 400,
      ...(soar ? { soar_lambda: 1.5 } : {}),
    }),
    families: (set, _, k) =>
      [3, 6, 10, 20, 40].map((factor) => ({
        fixed: { pre_reorder_num_neighbors: factor * k },
        knob: 'leaves_to_search',
        values: doubling(1, leaves(set)),
        most: leaves(set),
      })),
  }
}

/** @type {Record<string, Engine>} */
export const ENGINES = {
  batl: batl(false),
  'batl-log': batl(true),
  exact: {
    title: 'exact scan',
    script: 'batl.js',
    from: 'own',
    packages: [],
    // Every row of the same index.
    indexOf: 'batl',
    build: () => ({}),
    families: () => [{ fixed: {}, knob: 'recall', values: [1] }],
    queryLimit: 500,
  },
  'hnswlib-node': {
    title: 'hnswlib-node',
    script: 'hnswlib-node.js',
    from: 'npm',
    packages: ['hnswlib-node@3.0.0'],
    build: () => ({ m: 16, efConstruction: 200 }),
    families: (_, __, k) => [{ fixed: {}, knob: 'ef', values: beam(k), most: 10_000 }],
  },
  usearch: {
    title: 'usearch (npm)',
    script: 'usearch.js',
    from: 'npm',
    // The last one for Node 20.
    packages: ['usearch@2.25.3'],
    build: () => ({ connectivity: 16, expansion_add: 128, quantization: 'f32' }),
    families: (_, __, k) => [{ fixed: {}, knob: 'expansion_search', values: beam(k), most: 10_000 }],
  },
  hnswlib: {
    title: 'hnswlib',
    script: 'peer_hnswlib.py',
    from: 'PyPI',
    packages: ['hnswlib==0.8.0', 'numpy'],
    build: () => ({ M: 16, ef_construction: 200 }),
    families: (_, __, k) => [{ fixed: {}, knob: 'ef', values: beam(k), most: 10_000 }],
  },
  'faiss-hnsw': {
    title: 'Faiss HNSW32',
    script: 'peer_faiss.py',
    from: 'PyPI',
    packages: ['faiss-cpu==1.15.1', 'numpy'],
    build: () => ({ factory: 'HNSW32', efConstruction: 200 }),
    families: (_, __, k) => [{ fixed: {}, knob: 'efSearch', values: beam(k), most: 10_000 }],
  },
  'faiss-ivfpq': faissIvf('Faiss IVF-PQ fast scan + refine', (set) => `IVF${lists(set)},PQ${subCodes(set)}x4fs,RFlat`),
  // Its header asks for a random rotation in front.
  'faiss-rabitq': faissIvf(
    'Faiss IVF-RaBitQ fast scan + refine',
    (set) => `RR${set.dim},IVF${lists(set)},RaBitQfs,RFlat`,
  ),
  scann: scann(false),
  'scann-soar': scann(true),
}
