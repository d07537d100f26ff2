// @ts-check
/**
 * Every kernel that is timed: a new kernel is one more entry. `prepare` lays out the inputs and gives what to run; the twin
 * does the same work, on as many items as `twin.amount` says, by the scalar functions of test/reference.
 */
import { DIM, TWIN_ROWS } from './stage.js'

/**
 * @typedef {{ amount: number, run: () => unknown }} Work - `amount`: items or bytes of one call.
 * @typedef {{ name: string, unit: 'GB/s' | 'M/s',
 *   prepare: (stage: import('./stage.js').Stage, twins: any) => Work & { twin?: Work } }} Entry
 */

const TYPES = ['f32', 'f16', 'u8', 'i8']
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

/** Every query of a block against every row of a level that fits a cache. @type {Entry} */
const dots = {
  name: 'dots, multiply-adds',
  unit: 'M/s',
  prepare: (stage, { dots: twin }) => {
    const { address, values } = stage.rows(0)
    const [queries, rows] = [16, 1024]
    const asked = stage.floats(queries * DIM)
    const out = stage.space(queries * rows * 4)
    const few = [0, 1].map((i) => asked.values.subarray(i * DIM, (i + 1) * DIM))
    return {
      amount: queries * rows * DIM,
      run: () => stage.kernels.dots(asked.address, DIM * 4, queries, address, DIM * 4, rows, DIM, 0, 0, out),
      twin: { amount: few.length * TWIN_ROWS * DIM, run: () => twin(few, values, undefined, false) },
    }
  },
}

/** @type {Entry} */
const dotsAt = {
  name: 'dotsAt, multiply-adds',
  unit: 'M/s',
  prepare: (stage, { dotsAt: twin }) => {
    const { address, values } = stage.rows(0)
    const query = stage.query(0)
    const ids = stage.scattered(1024, 4096)
    const out = stage.space(ids.count * 4)
    const near = Array.from({ length: TWIN_ROWS }, (_, i) => i)
    return {
      amount: ids.count * DIM,
      run: () => stage.kernels.dotsAt(query.address, address, DIM * 4, ids.address, ids.count, DIM, 0, out),
      twin: { amount: TWIN_ROWS * DIM, run: () => twin(query.values, values, near, undefined) },
    }
  },
}

/** A beam's children: 24 nodes with 128 each. @type {Entry} */
const scoreChildren = {
  name: 'scoreChildren, multiply-adds',
  unit: 'M/s',
  prepare: (stage, { scoreChildren: twin }) => {
    const { address, values } = stage.rows(0)
    const query = stage.query(0)
    const arity = 128
    const parents = stage.integers(Array.from({ length: 24 }, (_, i) => i * 2))
    const out = stage.space(parents.count * arity * 4)
    const amount = parents.count * arity * DIM
    return {
      amount,
      run: () =>
        stage.kernels.scoreChildren(
          query.address,
          DIM,
          address,
          DIM * 4,
          0,
          parents.address,
          parents.count,
          arity,
          out,
        ),
      twin: { amount: TWIN_ROWS * DIM, run: () => twin(query.values, values, undefined, [0], TWIN_ROWS) },
    }
  },
}

/** Scores that are chosen from. */
const SCORES = 4096

/** @type {Entry} */
const selectBest = {
  name: 'selectBest, 64 of 4096 scores',
  unit: 'M/s',
  prepare: (stage, { selectBest: twin }) => {
    const scores = stage.floats(SCORES)
    const scratch = stage.space(stage.kernels.selectBytes(SCORES, 64))
    const [indices, best] = [stage.space(256), stage.space(256)]
    return {
      amount: SCORES,
      run: () => stage.kernels.selectBest(scores.address, SCORES, 64, scratch, indices, best),
      twin: { amount: SCORES, run: () => twin(scores.values, 64) },
    }
  },
}

/** @type {Entry} */
const countAbove = {
  name: 'countAbove, scores',
  unit: 'M/s',
  prepare: (stage, { countAbove: twin }) => {
    const scores = stage.floats(SCORES)
    return {
      amount: SCORES,
      run: () => stage.kernels.countAbove(scores.address, SCORES, 1),
      twin: { amount: SCORES, run: () => twin(scores.values, 1) },
    }
  },
}

/** @type {Entry} */
const heap = {
  name: 'heap, 10 of 4096 entries',
  unit: 'M/s',
  prepare: (stage, { topk: twin }) => {
    const { kernels } = stage
    const scores = stage.floats(SCORES)
    const [at, distances, ids] = [stage.space(kernels.heapBytes(K)), stage.space(64), stage.space(64)]
    const entries = Array.from(scores.values, (distance, id) => ({ distance, id }))
    return {
      amount: SCORES,
      run: () => {
        kernels.heapReset(at, K)
        for (const { distance, id } of entries) kernels.heapOffer(at, distance, id)
        kernels.heapSort(at, distances, ids)
      },
      twin: { amount: SCORES, run: () => twin(entries, K) },
    }
  },
}

/** Places in a beam's grid to node numbers. @type {Entry} */
const expandChildren = {
  name: 'expandChildren, nodes',
  unit: 'M/s',
  prepare: (stage, { expandChildren: twin }) => {
    const [arity, count] = [128, 1024]
    const parents = stage.integers(Array.from({ length: 24 }, (_, i) => i * 2))
    const chosen = stage.scattered(count, parents.count * arity)
    const out = stage.space(count * 4)
    return {
      amount: count,
      run: () => stage.kernels.expandChildren(parents.address, parents.count, arity, chosen.address, count, out),
      twin: { amount: count, run: () => twin(parents.values, arity, chosen.values) },
    }
  },
}

/** Bits of the rows that a search saw. @type {Entry} */
const clearSeen = {
  name: 'clearSeen, rows',
  unit: 'M/s',
  prepare: (stage, { clearSeen: twin }) => {
    const entries = stage.scattered(SCORES, 1 << 20)
    const seen = stage.space(1 << 17)
    const set = new Set(entries.values)
    return {
      amount: SCORES,
      run: () => stage.kernels.clearSeen(entries.address, SCORES, seen),
      twin: { amount: SCORES, run: () => twin(entries.values, set) },
    }
  },
}

/** A beam in ascending order, from the same order each time. @type {Entry} */
const sortNodes = {
  name: 'sortNodes, 1024 nodes',
  unit: 'M/s',
  prepare: (stage) => {
    const nodes = stage.scattered(1024, 16_384)
    const scores = stage.floats(1024)
    const [work, scratch] = [stage.space(4096), stage.space(stage.kernels.sortBytes(1024))]
    const [from, to] = [stage.arena.u32(nodes.address, 1024), stage.arena.u32(work, 1024)]
    return {
      amount: 1024,
      run: () => {
        to.set(from)
        stage.kernels.sortNodes(work, scores.address, 1024, scratch)
      },
      twin: { amount: 1024, run: () => nodes.values.slice().sort((a, b) => a - b) },
    }
  },
}

/** Logits of 32 nodes with 128 children. @type {Entry} */
const addLogSoftmax = {
  name: 'addLogSoftmax, logits',
  unit: 'M/s',
  prepare: (stage, { addLogSoftmax: twin }) => {
    const [count, arity] = [32, 128]
    const logits = stage.floats(count * arity)
    const parents = stage.floats(count)
    const out = stage.space(count * arity * 4)
    const rows = Array.from({ length: count }, (_, i) => logits.values.subarray(i * arity, (i + 1) * arity))
    return {
      amount: count * arity,
      run: () => stage.kernels.addLogSoftmax(logits.address, arity, arity, count, parents.address, out),
      twin: { amount: count * arity, run: () => twin(rows, arity, parents.values) },
    }
  },
}

/** @type {Entry} */
const addNorm = {
  name: 'addNorm, components',
  unit: 'M/s',
  prepare: (stage, { addNorm: twin }) => {
    const [n, count] = [256, 32]
    const [x, y, norm] = [stage.floats(n * count), stage.floats(n * count), stage.floats(2 * n)]
    const out = stage.space(n * count * 4)
    return {
      amount: n * count,
      run: () => stage.kernels.addNorm(x.address, n * 4, y.address, n * 4, norm.address, n, count, out, n * 4),
      twin: { amount: n, run: () => twin(x.values.subarray(0, n), y.values.subarray(0, n), norm.values) },
    }
  },
}

/** Points that choose among 32 leaves each. @param {'chooseByPrice' | 'regrets'} name @returns {Entry} */
function assignment(name) {
  return {
    name: `${name}, 4096 points`,
    unit: 'M/s',
    prepare: (stage, twins) => {
      const { kernels } = stage
      const [points, m, leafCount] = [4096, 32, 1024]
      const lists = Array.from({ length: points }, () => [...stage.scattered(m, leafCount).values])
      const leaves = stage.integers(lists.flat())
      const scores = stage.floats(points * m)
      const prices = stage.floats(leafCount)
      const [choice, loads, out] = [stage.space(points * 4), stage.space(leafCount * 4), stage.space(points * 4)]
      const choose = () =>
        kernels.chooseByPrice(leaves.address, scores.address, prices.address, points, m, choice, loads)
      choose()
      const [first = []] = lists
      const listed = [...scores.values.subarray(0, m)]
      return name === 'regrets'
        ? {
            amount: points,
            run: () => kernels.regrets(leaves.address, scores.address, prices.address, points, m, choice, out),
            twin: { amount: 1, run: () => twins.regret(first, listed, prices.values, 0) },
          }
        : {
            amount: points,
            run: choose,
            twin: { amount: 1, run: () => twins.chooseByPrice(first, listed, prices.values) },
          }
    },
  }
}

/** @type {Entry[]} */
export const KERNELS = [
  ...[0, 1, 2].map((metric) => distances(metric, 0)),
  ...[1, 2, 3].map((type) => distances(0, type)),
  distancesAt,
  ...[0, 1, 2].map((type) => scan(type, false)),
  ...[0, 1, 2].map((type) => scan(type, true)),
  pass('squaredNorms', 0),
  pass('allFinite', 0),
  pass('widen', 1),
  dots,
  dotsAt,
  scoreChildren,
  selectBest,
  countAbove,
  heap,
  expandChildren,
  clearSeen,
  sortNodes,
  addLogSoftmax,
  addNorm,
  assignment('chooseByPrice'),
  assignment('regrets'),
]
