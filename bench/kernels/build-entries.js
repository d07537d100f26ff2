// @ts-check
/** Kernels that only a build runs: near rows, whole-number routing, short lists, the choice of leaves. */
import { rowStride } from '../../build/base/matrix.js'
import { DIM, TWIN_ROWS } from './stage.js'

/** @typedef {import('./table.js').Entry} Entry */

/** Points that choose among 32 leaves each. @param {'chooseLeaves' | 'margins'} name @returns {Entry} */
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
      const [leafOf, out] = [stage.space(points * 4), stage.space(points * 4)]
      const of = [0, points, leaves.address, scores.address, prices.address, m, leafOf]
      const choose = () => Reflect.apply(kernels.chooseLeaves, undefined, of)
      choose()
      const [first = []] = lists
      const listed = [...scores.values.subarray(0, m)]
      const twin = {
        chooseLeaves: () => twins.chooseLeaf(first, listed, prices.values),
        margins: () => twins.margin(first, listed, prices.values, first[0]),
      }
      const run = name === 'margins' ? () => Reflect.apply(kernels.margins, undefined, [...of, out]) : choose
      return { amount: points, run, twin: { amount: 1, run: twin[name] } }
    },
  }
}

/** 32 queries against 1,024 rows, each query with a heap of ten. @type {Entry} */
const nearTiles = {
  name: 'nearTiles, multiply-adds',
  unit: 'M/s',
  prepare: (stage, { nearest: twin }) => {
    const { kernels } = stage
    const [queries, rows, k] = [32, 1024, 10]
    const { address, values } = stage.rows(0)
    const asked = stage.floats(queries * DIM)
    const bias = stage.floats(rows)
    const positions = stage.integers(Array.from({ length: rows }, (_, i) => i))
    const stride = (kernels.heapBytes(k) + 63) & ~63
    const heaps = stage.space(queries * stride)
    const scratch = stage.space(64)
    const outputs = [bias.address, 0, positions.address, heaps, stride, scratch]
    const of = [0, asked.address, DIM * 4, 0, queries, address, DIM * 4, rows, DIM, ...outputs]
    const query = [...asked.values.subarray(0, DIM)]
    const listed = values.map((row) => [...row])
    return {
      amount: queries * rows * DIM,
      run: () => {
        for (let i = 0; i < queries; i++) kernels.heapReset(heaps + i * stride, k)
        Reflect.apply(kernels.nearTiles, undefined, of)
      },
      twin: { amount: TWIN_ROWS * DIM, run: () => twin(query, listed, bias.values, positions.values, k) },
    }
  },
}

/** @type {Entry} */
const widenIntegers = {
  name: 'widenIntegers u8',
  unit: 'GB/s',
  prepare: (stage) => {
    const { address, stride, values } = stage.rows(2)
    const out = stage.space(4096 * DIM * 2)
    return {
      amount: 4096 * stride,
      run: () => stage.kernels.widenIntegers(2, address, stride, 4096, DIM, out, DIM * 2),
      twin: { amount: TWIN_ROWS * stride, run: () => values.map((row) => Int16Array.from(row)) },
    }
  },
}

/**
 * A kernel over f32 rows that it leaves as they are, however often it is called.
 * @param {string} name
 * @param {(stage: import('./stage.js').Stage, rows: number) => () => void} bind - makes a call for the rows at an address.
 * @returns {Entry}
 */
function overRows(name, bind) {
  return {
    name,
    unit: 'GB/s',
    prepare: (stage) => ({ amount: 4096 * DIM * 4, run: bind(stage, stage.floats(4096 * DIM).address) }),
  }
}

const shiftRows = overRows('shiftRows', (stage, rows) => {
  const zeros = stage.space(DIM * 4)
  return () => stage.kernels.shiftRows(rows, DIM * 4, 4096, DIM, zeros)
})

const scaleRows = overRows('scaleRows', (stage, rows) => {
  const ones = stage.floats(4096)
  ones.values.fill(1)
  return () => stage.kernels.scaleRows(rows, DIM * 4, 4096, DIM, ones.address)
})

const addRows = overRows('addRows', (stage, rows) => {
  const sums = stage.space(DIM * 8)
  return () => stage.kernels.addRows(rows, DIM * 4, 4096, DIM, 1, sums)
})

/** @type {Entry} */
const packSteps = {
  name: 'packSteps, components',
  unit: 'M/s',
  prepare: (stage, { packSteps: twin }) => {
    const { address, values } = stage.floats(64 * DIM)
    const stride = rowStride('i10', DIM)
    const [out, units] = [stage.space(64 * stride), stage.space(64 * 4)]
    const bytes = stage.arena.u8(out, 64 * stride)
    const rows = Array.from({ length: 64 }, (_, i) => values.subarray(i * DIM, (i + 1) * DIM))
    return {
      amount: 64 * DIM,
      run: () => {
        bytes.fill(0)
        stage.kernels.packSteps(address, DIM * 4, 64, DIM, out, stride, units)
      },
      twin: { amount: 64 * DIM, run: () => rows.map((row) => twin(row, new Uint8Array(stride))) },
    }
  },
}

/** @type {Entry} */
const adamStep = {
  name: 'adamStep, weights',
  unit: 'M/s',
  prepare: (stage, { adamStep: twin }) => {
    const count = 1 << 14
    const [weights, mean, square, one, other] = Array.from({ length: 5 }, () => stage.floats(count).address)
    const shares = [0.1, 0.9, 0.1, 0.999, 0.001, 0.01, 1e-8]
    const of = [weights, mean, square, one, other, count, ...shares]
    return {
      amount: count,
      run: () => Reflect.apply(stage.kernels.adamStep, undefined, of),
      twin: { amount: 1, run: () => twin(0.5, 0.1, 0.2, 0.3, 0.4, shares) },
    }
  },
}

/** @type {Entry} */
const centredIntegers = {
  name: 'centredIntegers',
  unit: 'GB/s',
  prepare: (stage, { centredInteger: twin }) => {
    const rows = stage.floats(4096 * DIM)
    const centre = stage.floats(DIM)
    const [out, units] = [stage.space(4096 * DIM * 2), stage.space(4096 * 4)]
    const first = [...rows.values.subarray(0, DIM)]
    const middle = [...centre.values]
    return {
      amount: 4096 * DIM * 4,
      run: () => stage.kernels.centredIntegers(rows.address, DIM * 4, 4096, DIM, centre.address, out, DIM * 2, units),
      twin: { amount: DIM * 4, run: () => twin(first, middle) },
    }
  },
}

/** 32 queries against 1,024 rows in whole numbers. @type {Entry} */
const scaledDots = {
  name: 'scaledDots, multiply-adds',
  unit: 'M/s',
  prepare: (stage, { scaledDot: twin }) => {
    const { kernels } = stage
    const [queries, rows] = [32, 1024]
    const floats = stage.floats((queries + rows) * DIM)
    const [centre, out] = [stage.space(DIM * 4), stage.space(queries * rows * 4)]
    const [integers, units, scratch] = [
      stage.space(floats.count * 2),
      stage.space((queries + rows) * 4),
      stage.space(32),
    ]
    kernels.centredIntegers(floats.address, DIM * 4, queries + rows, DIM, centre, integers, DIM * 2, units)
    const bias = stage.floats(rows)
    const entries = stage.integers(Array.from({ length: queries }, (_, i) => i))
    const asked = [integers, units, 1, entries.address, queries, 1]
    const of = [...asked, integers + queries * DIM * 2, DIM * 2, rows, DIM, bias.address, out, scratch]
    const values = stage.arena.i16(integers, floats.count)
    const row = (/** @type {number} */ i) => [...values.subarray(i * DIM, (i + 1) * DIM)]
    const listed = Array.from({ length: TWIN_ROWS }, (_, i) => row(queries + i))
    return {
      amount: queries * rows * DIM,
      run: () => Reflect.apply(kernels.scaledDots, undefined, of),
      twin: { amount: TWIN_ROWS * DIM, run: () => twin(row(0), listed, 1, bias.values) },
    }
  },
}

/** The 32 to 48 best of 1,024 scores, for 64 lists. @type {Entry} */
const shortenLists = {
  name: 'shortenLists, scores',
  unit: 'M/s',
  prepare: (stage, { shortened: twin }) => {
    const [count, m, least, most] = [64, 1024, 32, 48]
    const scores = stage.floats(count * m)
    const [ids, kept] = [stage.space(count * most * 4), stage.space(count * most * 4)]
    const first = [...scores.values.subarray(0, m)]
    return {
      amount: count * m,
      run: () => stage.kernels.shortenLists(scores.address, count, m, 0, least, most, ids, kept),
      twin: { amount: m, run: () => twin(first, least, most) },
    }
  },
}

/** @type {Entry[]} */
export const BUILD_ENTRIES = [
  nearTiles,
  widenIntegers,
  addRows,
  packSteps,
  scaleRows,
  shiftRows,
  centredIntegers,
  scaledDots,
  shortenLists,
  assignment('chooseLeaves'),
  assignment('margins'),
  adamStep,
]
