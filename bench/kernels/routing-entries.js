// @ts-check
/** Kernels that route a query: scores of nodes, the choice among them, the heap. */
import { QUERY_STEPS } from '../../build/tree/router.js'
import { DIM, TWIN_ROWS } from './stage.js'

/** @typedef {import('./table.js').Entry} Entry */

/** Entries that a heap keeps. */
const K = 10

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

/** The same children by rows of 8 bits. @type {Entry} */
const scoreChildrenInt = {
  name: 'scoreChildrenInt, multiply-adds',
  unit: 'M/s',
  prepare: (stage, { scoreChildren: twin }) => {
    const { kernels } = stage
    const { address, values } = stage.rows(3)
    const query = stage.query(0)
    const [arity, parents] = [128, stage.integers(Array.from({ length: 24 }, (_, i) => i * 2))]
    const [scales, bias] = [stage.floats(48 * arity), stage.floats(48 * arity)]
    const [z, out] = [stage.space(DIM * 2), stage.space(parents.count * arity * 4)]
    const unit = kernels.quantize(query.address, DIM, QUERY_STEPS, z)
    const ends = [parents.address, parents.count, arity, out]
    const of = [z, unit, DIM, address, DIM, scales.address, bias.address, ...ends]
    return {
      amount: parents.count * arity * DIM,
      run: () => Reflect.apply(kernels.scoreChildrenInt, undefined, of),
      twin: { amount: TWIN_ROWS * DIM, run: () => twin(query.values, values, undefined, [0], TWIN_ROWS) },
    }
  },
}

/** @type {Entry} */
const quantize = {
  name: 'quantize, components',
  unit: 'M/s',
  prepare: (stage) => {
    const values = stage.floats(1024)
    const out = stage.space(2048)
    return { amount: 1024, run: () => stage.kernels.quantize(values.address, 1024, QUERY_STEPS, out) }
  },
}

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

/** Leaves that are far behind the best, from the same scores each time. @type {Entry} */
const keepNear = {
  name: 'keepNear, 256 scores',
  unit: 'M/s',
  prepare: (stage, { keepNear: twin }) => {
    const [count, reach] = [256, 30]
    const { values } = stage.floats(count)
    const [nodes, scores] = [stage.space(count * 4), stage.space(count * 4)]
    const fresh = stage.arena.f32(scores, count)
    return {
      amount: count,
      run: () => {
        fresh.set(values)
        stage.kernels.keepNear(nodes, scores, count, reach)
      },
      twin: { amount: count, run: () => twin(values, reach) },
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

/** Rows of a search that are looked into before they are compared. @type {Entry} */
const touchRows = {
  name: 'touchRows, rows of 128 bytes',
  unit: 'M/s',
  prepare: (stage, { touchRows: twin }) => {
    const [stride, count] = [128, 1 << 14]
    const positions = stage.scattered(SCORES, count)
    const rows = stage.space(count * stride)
    const scratch = stage.space(64)
    const bytes = stage.arena.u8(rows, count * stride)
    return {
      amount: SCORES,
      run: () => stage.kernels.touchRows(positions.address, SCORES, rows, stride, 0, 0, scratch),
      twin: { amount: SCORES, run: () => twin(bytes, positions.values, stride, []) },
    }
  },
}

/** A beam by its scores, from the same order each time. @type {Entry} */
const sortBest = {
  name: 'sortBest, 1024 nodes',
  unit: 'M/s',
  prepare: (stage, { bestFirst: twin }) => {
    const nodes = stage.scattered(1024, 16_384)
    const scores = stage.floats(1024)
    const [work, scratch] = [stage.space(4096), stage.space(stage.kernels.sortBytes(1024))]
    const [from, to] = [stage.arena.u32(nodes.address, 1024), stage.arena.u32(work, 1024)]
    return {
      amount: 1024,
      run: () => {
        to.set(from)
        stage.kernels.sortBest(work, scores.address, 1024, scratch)
      },
      twin: { amount: 1024, run: () => twin(scores.values) },
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

/** @type {Entry[]} */
export const ROUTING_ENTRIES = [
  dots,
  dotsAt,
  scoreChildren,
  scoreChildrenInt,
  quantize,
  selectBest,
  keepNear,
  countAbove,
  heap,
  expandChildren,
  touchRows,
  sortBest,
  addLogSoftmax,
  addNorm,
]
