// @ts-check
/** Kernels of product codes: 44 sub-codes in 22 bytes, leaves of 110 entries with terms, as sift-1m has them by default. */
import { LeafWriter } from '../../build/codes/leaf-writer.js'
import { entryBytes, leavesBytes } from '../../build/codes/leaves.js'
import { QUERY_STEPS } from '../../build/tree/router.js'
import { DIM } from './stage.js'

/** @typedef {import('./table.js').Entry} Entry */

const COLUMNS = 22
const SUBS = 2 * COLUMNS
const WIDTH = 3
/** Components that are coded, zeros beyond the vector's own. */
const CODED = SUBS * WIDTH
const LEAF = 110
/** Leaves that a query visits. */
const PROBES = 46
/** Values of a table, at most. */
const LEVELS = 63
const SHAPE = { dim: DIM, metric: /** @type {const} */ ('l2'), codeBytes: COLUMNS }
const ENTRY_BYTES = entryBytes(SHAPE)

/** Records of full leaves, of random codes and numbers. @param {import('./stage.js').Stage} stage @param {number} leafCount */
function coded(stage, leafCount) {
  const offsets = stage.integers(Array.from({ length: leafCount + 1 }, (_, leaf) => leaf * LEAF))
  const bytes = leavesBytes(SHAPE, leafCount, leafCount * LEAF)
  const records = stage.space(bytes)
  const all = stage.arena.u8(records, bytes)
  const made = Math.min(bytes, 1 << 20)
  for (let i = 0; i < made; i++) all[i] = stage.rng.below(256)
  for (let done = made; done < bytes; done *= 2) all.copyWithin(done, 0, Math.min(done, bytes - done))
  const leaves = new LeafWriter({ leafOffsets: stage.arena.u32(offsets.address, leafCount + 1), leaves: all }, SHAPE)
  for (let leaf = 0; leaf < leafCount; leaf++) {
    leaves.setScale(leaf, 0.01)
    leaves.setBias(leaf, 1000)
    leaves.setPositions(
      leaf,
      Uint32Array.from({ length: LEAF }, (_, i) => leaf * LEAF + i),
    )
  }
  return [DIM, records, offsets.address]
}

/** A scan of 46 leaves: the same ones again and again, or others each time from records beyond the caches. @param {boolean} cold @returns {Entry} */
function scanCodes(cold) {
  return {
    name: `scanCodes, codes ${cold ? 'from memory' : 'in the cache'}`,
    unit: 'M/s',
    prepare: (stage) => {
      const leafCount = cold ? Math.floor(stage.bytes / (LEAF * ENTRY_BYTES)) : PROBES
      const records = coded(stage, leafCount)
      const tables = stage.space(SUBS * 16)
      stage.arena.u8(tables, SUBS * 16).forEach((_, i, table) => (table[i] = stage.rng.below(LEVELS + 1)))
      const bases = stage.space(PROBES * 4)
      const out = stage.space(PROBES * (LEAF + 15) * 2)
      const visits = cold ? Math.floor(leafCount / PROBES) : 1
      const order = stage.scattered(visits * PROBES, leafCount)
      let visit = 0
      return {
        amount: PROBES * LEAF,
        run: () => {
          const leaves = order.address + visit * PROBES * 4
          visit = (visit + 1) % visits
          const of = [leaves, PROBES, ...records, COLUMNS, ENTRY_BYTES, 12_345, tables, bases, out]
          Reflect.apply(stage.kernels.scanCodes, undefined, of)
        },
      }
    },
  }
}

/** Scores of a visit of 46 leaves. @param {import('./stage.js').Stage} stage */
function scores(stage) {
  const count = PROBES * LEAF
  const address = stage.space(count * 2)
  stage.arena.i16(address, count).forEach((_, i, all) => (all[i] = stage.rng.below(20_000)))
  return { address, count, values: stage.arena.i16(address, count) }
}

/** @type {Entry} */
const selectScores = {
  name: 'selectScores, 60 of 4416, those near the 15th',
  unit: 'M/s',
  prepare: (stage) => {
    const { address, count, values } = scores(stage)
    const limit = 256
    const [out, scratch] = [stage.space(limit * 4), stage.space(limit * 2 + 16)]
    const at = (/** @type {number} */ i) => values[i] ?? 0
    const plain = () => {
      const sorted = Array.from(values.keys()).sort((a, b) => at(a) - at(b))
      return sorted.slice(0, 60).filter((i) => at(i) <= at(sorted[14] ?? 0) + 150)
    }
    return {
      amount: count,
      run: () => stage.kernels.selectScores(address, count, 60, 15, 150, limit, scratch, out),
      twin: { amount: count, run: plain },
    }
  },
}

/** @type {Entry} */
const countScores = {
  name: 'countScores, scores',
  unit: 'M/s',
  prepare: (stage) => {
    const { address, count, values } = scores(stage)
    return {
      amount: count,
      run: () => stage.kernels.countScores(address, count, 5000),
      twin: { amount: count, run: () => values.filter((score) => score <= 5000).length },
    }
  },
}

/** @type {Entry} */
const countEntries = {
  name: 'countEntries, leaves',
  unit: 'M/s',
  prepare: (stage) => {
    const offsets = stage.integers(Array.from({ length: 4097 }, (_, leaf) => leaf * LEAF))
    const leaves = stage.scattered(PROBES, 4096)
    return { amount: PROBES, run: () => stage.kernels.countEntries(leaves.address, PROBES, offsets.address) }
  },
}

/** Positions of sixty places; the places are put back before each call. @type {Entry} */
const placePositions = {
  name: 'placePositions, places',
  unit: 'M/s',
  prepare: (stage) => {
    const { kernels, arena } = stage
    const [count, leafCount] = [60, 4096]
    const records = coded(stage, leafCount)
    const leaves = stage.scattered(PROBES, leafCount)
    const chosen = stage.scattered(count, PROBES * LEAF)
    const places = Uint32Array.from(chosen.values).sort()
    const [work, scratch] = [stage.space(count * 4), stage.space(kernels.positionBytes(count))]
    const to = arena.u32(work, count)
    const of = [work, count, leaves.address, ...records, ENTRY_BYTES, scratch]
    return {
      amount: count,
      run: () => {
        to.set(places)
        Reflect.apply(kernels.placePositions, undefined, of)
      },
    }
  },
}

/** Rows of sixty places with their distances by code. @type {Entry} */
const placeScores = {
  name: 'placeScores, places',
  unit: 'M/s',
  prepare: (stage) => {
    const { kernels } = stage
    const [count, leafCount] = [60, 4096]
    const records = coded(stage, leafCount)
    const leaves = stage.scattered(PROBES, leafCount)
    const places = stage.integers(Array.from(stage.scattered(count, PROBES * LEAF).values).sort((a, b) => a - b))
    const tables = [leaves.address, ...records, ENTRY_BYTES, scores(stage).address]
    const of = [places.address, count, ...tables, 0.5, 3, 0, stage.space(kernels.positionBytes(count))]
    return { amount: count, run: () => Reflect.apply(kernels.placeScores, undefined, of) }
  },
}

/** Sixty rows, none twice, to a heap of ten. @type {Entry} */
const offerRows = {
  name: 'offerRows, rows',
  unit: 'M/s',
  prepare: (stage) => {
    const { kernels, arena } = stage
    const [count, k] = [60, 10]
    const order = stage.integers(Array.from({ length: 1 << 16 }, (_, position) => position))
    const found = stage.scattered(count, 1 << 16).values
    const bytes = kernels.positionBytes(count)
    const [scratch, heap] = [stage.space(bytes), stage.space(kernels.heapBytes(k))]
    // The pairs follow the counts of the sort.
    const pairs = arena.u32(scratch + bytes - count * 16, count * 2)
    return {
      amount: count,
      run: () => {
        for (let i = 0; i < count; i++) pairs[2 * i] = found[i] ?? 0
        kernels.heapReset(heap, k)
        kernels.offerRows(scratch, count, order.address, heap)
      },
    }
  },
}

/** @type {Entry} */
const codeTables = {
  name: 'codeTables, multiply-adds',
  unit: 'M/s',
  prepare: (stage) => {
    const [query, books] = [stage.floats(CODED), stage.floats(CODED * 16)]
    const [scratch, out, least] = [stage.space(SUBS * 64), stage.space(SUBS * 16), stage.space(64)]
    const of = [query.address, books.address, SUBS, WIDTH, -2, LEVELS, 3e38, scratch, out, least]
    return { amount: CODED * 16, run: () => Reflect.apply(stage.kernels.codeTables, undefined, of) }
  },
}

/** @type {Entry} */
const leafBases = {
  name: 'leafBases, multiply-adds',
  unit: 'M/s',
  prepare: (stage) => {
    const { kernels } = stage
    const records = coded(stage, 4096)
    const query = stage.query(0)
    const leaves = stage.scattered(PROBES, 4096)
    const [integers, scratch, out] = [stage.space(DIM * 2), stage.space(PROBES * 4), stage.space(PROBES * 4)]
    const unit = kernels.quantize(query.address, DIM, QUERY_STEPS, integers)
    const of = [integers, unit, ...records, ENTRY_BYTES, 2, leaves.address, PROBES, 0.001, scratch, out]
    return { amount: PROBES * DIM, run: () => Reflect.apply(kernels.leafBases, undefined, of) }
  },
}

/** Leaves of a search that are looked into before they are scanned. @type {Entry} */
const touchLeaves = {
  name: 'touchLeaves, entries',
  unit: 'M/s',
  prepare: (stage) => {
    const records = coded(stage, 4096)
    const leaves = stage.scattered(PROBES, 4096)
    const of = [leaves.address, PROBES, ...records, ENTRY_BYTES, stage.space(64)]
    return { amount: PROBES * LEAF, run: () => Reflect.apply(stage.kernels.touchLeaves, undefined, of) }
  },
}

/** A block of 16 rows against 16 centroids of each sub-code. @type {Entry} */
const encodeBlock = {
  name: 'encodeBlock, rows',
  unit: 'M/s',
  prepare: (stage) => {
    const [rows, centroid, books] = [stage.floats(16 * CODED), stage.floats(CODED), stage.floats(CODED * 16)]
    const [out, terms] = [stage.space(COLUMNS * 16), stage.space(64)]
    const of = [rows.address, CODED * 4, 16, centroid.address, books.address, COLUMNS, WIDTH, out, terms]
    return { amount: 16, run: () => Reflect.apply(stage.kernels.encodeBlock, undefined, of) }
  },
}

/** The same rows added up by centroid. @type {Entry} */
const addNearest = {
  name: 'addNearest, rows',
  unit: 'M/s',
  prepare: (stage) => {
    const [rows, centroid, books] = [stage.floats(16 * CODED), stage.floats(CODED), stage.floats(CODED * 16)]
    const [sums, counts] = [stage.space(CODED * 16 * 8), stage.space(SUBS * 16 * 4)]
    const of = [rows.address, CODED * 4, 16, centroid.address, books.address, COLUMNS, WIDTH, sums, counts]
    return { amount: 16, run: () => Reflect.apply(stage.kernels.addNearest, undefined, of) }
  },
}

/** @type {Entry} */
const subtract = {
  name: 'subtract, components',
  unit: 'M/s',
  prepare: (stage) => {
    const [x, y] = [stage.floats(1024), stage.floats(1024)]
    const out = stage.space(4096)
    return {
      amount: 1024,
      run: () => stage.kernels.subtract(x.address, y.address, 1024, out),
      twin: { amount: 1024, run: () => x.values.map((value, i) => value - (y.values[i] ?? 0)) },
    }
  },
}

/** @type {Entry[]} */
export const CODE_ENTRIES = [
  scanCodes(false),
  scanCodes(true),
  selectScores,
  countScores,
  countEntries,
  placePositions,
  placeScores,
  offerRows,
  codeTables,
  leafBases,
  touchLeaves,
  encodeBlock,
  addNearest,
  subtract,
]
