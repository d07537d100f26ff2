// @ts-check
/** Kernels over tables of rows: distances, scans, norms, checks. */
import { DIM, TWIN_ROWS } from './stage.js'

/** @typedef {import('./table.js').Entry} Entry */

const TYPES = ['f32', 'f16', 'u8', 'i8', 'steps']
const METRICS = ['l2', 'ip', 'cosine']
const K = 10

/** Distances of a whole table of rows. @param {number} metric @param {number} type @returns {Entry} */
function distances(metric, type) {
  return {
    name: `distances ${METRICS[metric]} ${TYPES[type]}`,
    unit: 'GB/s',
    prepare: (stage, { distances: twin }) => {
      const rows = stage.rows(type)
      const query = stage.query(type)
      const scales = stage.floats(rows.count)
      const out = stage.space(rows.count * 4)
      const { address, stride, count } = rows
      const of = [metric, type, query.kind, query.address, DIM, address, stride, count, scales.address, out]
      return {
        amount: rows.bytes,
        run: () => Reflect.apply(stage.kernels.distances, undefined, of),
        twin: {
          amount: TWIN_ROWS * rows.stride,
          run: () => twin(metric, query.values, rows.values, scales.values),
        },
      }
    },
  }
}

/** A scan into a heap, of all rows or of entries in no order. @param {number} type @param {boolean} scattered @returns {Entry} */
function scan(type, scattered) {
  return {
    name: `${scattered ? 'scanEntries' : 'scanRows'} l2 ${TYPES[type]}`,
    unit: 'GB/s',
    prepare: (stage, { distances: twin, topk }) => {
      const rows = stage.rows(type)
      const query = stage.query(type)
      const { kernels } = stage
      const heap = stage.space(kernels.heapBytes(K))
      const { address, stride } = rows
      const count = scattered ? rows.count >> 3 : rows.count
      const entries = scattered ? stage.scattered(count, rows.count).address : 0
      const all = [0, type, query.kind, query.address, DIM, address, stride]
      const of = scattered ? [...all, entries, count, 0, 0, 0, heap] : [...all, 0, count, 0, 0, heap]
      const kernel = scattered ? kernels.scanEntries : kernels.scanRows
      return {
        amount: count * stride,
        run: () => {
          kernels.heapReset(heap, K)
          Reflect.apply(kernel, undefined, of)
        },
        twin: {
          amount: TWIN_ROWS * stride,
          run: () => {
            const found = /** @type {number[]} */ (twin(0, query.values, rows.values, []))
            topk(
              found.map((distance, id) => ({ distance, id })),
              K,
            )
          },
        },
      }
    },
  }
}

/** Rows at scattered positions. @type {Entry} */
const distancesAt = {
  name: 'distancesAt l2 f32',
  unit: 'GB/s',
  prepare: (stage, { distancesAt: twin }) => {
    const rows = stage.rows(0)
    const query = stage.query(0)
    const count = rows.count >> 3
    const at = stage.scattered(count, rows.count)
    const out = stage.space(count * 4)
    const { address, stride } = rows
    const near = Array.from({ length: TWIN_ROWS }, (_, i) => i)
    return {
      amount: count * stride,
      run: () => stage.kernels.distancesAt(0, 0, 0, query.address, DIM, address, stride, at.address, count, 0, out),
      twin: { amount: TWIN_ROWS * stride, run: () => twin(0, query.values, rows.values, near, []) },
    }
  },
}

/** Work over a whole table of rows that needs nothing else. @param {'squaredNorms' | 'allFinite' | 'widen'} name @param {number} type @returns {Entry} */
function pass(name, type) {
  return {
    name: `${name} ${TYPES[type]}`,
    unit: 'GB/s',
    prepare: (stage, twins) => {
      const { kernels } = stage
      const { address, stride, count, bytes, values } = stage.rows(type)
      // Widened rows take up to four times the room: a block at a time, as the build does.
      const block = Math.min(count, 4096)
      const out = stage.space(Math.max(block * DIM * 4, count * 4))
      const runs = {
        squaredNorms: () => kernels.squaredNorms(type, address, stride, count, DIM, out),
        allFinite: () => kernels.allFinite(type, address, bytes),
        widen: () => kernels.widen(type, address, stride, block, DIM, out, DIM * 4),
      }
      const twin = {
        squaredNorms: () => twins.squaredNorms(values),
        allFinite: () => twins.allFinite(values),
        widen: () => values.map((row) => twins.widen(row, DIM)),
      }
      const amount = name === 'widen' ? block * stride : bytes
      return { amount, run: runs[name], twin: { amount: TWIN_ROWS * stride, run: twin[name] } }
    },
  }
}

/** Bytes of one block of a checksum. */
const HASH_BLOCK = 1024

/** The checksum of files, over a table of rows. @returns {Entry} */
function hash() {
  return {
    name: 'hash',
    unit: 'GB/s',
    prepare: (stage) => {
      const { address, bytes } = stage.rows(2)
      const state = stage.space(128)
      const blocks = Math.floor((bytes - 1) / HASH_BLOCK)
      return {
        amount: bytes,
        run: () => {
          stage.kernels.hashStart(state)
          stage.kernels.hashBlocks(state, address, blocks)
          stage.kernels.hashEnd(state, address + blocks * HASH_BLOCK, bytes - blocks * HASH_BLOCK, bytes)
        },
      }
    },
  }
}

/** @type {Entry[]} */
export const ROW_ENTRIES = [
  ...[0, 1, 2].map((metric) => distances(metric, 0)),
  ...[1, 2, 3].map((type) => distances(0, type)),
  distances(2, 4),
  distancesAt,
  ...[0, 1, 2].map((type) => scan(type, false)),
  ...[0, 1, 2].map((type) => scan(type, true)),
  pass('squaredNorms', 0),
  pass('allFinite', 0),
  pass('widen', 1),
  hash(),
]
