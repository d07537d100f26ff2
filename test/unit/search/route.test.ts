import { describe, expect, test } from '@jest/globals'
import type { Router } from '../../../build/base/options.js'
import { Rng } from '../../../build/base/rng.js'
import { loadBuildKernels } from '../../../build/kernels/load-build.js'
import { Arena } from '../../../build/kernels/memory.js'
import { multiplyAdds } from '../../../build/search/cost.js'
import { RouteModel } from '../../../build/search/route.js'
import { TrainedRoute } from '../../../build/search/trained-route.js'
import {
  packRouter,
  padded,
  routerFloats,
  routerTensors,
  routerViews,
  storedBytes,
  storedTableBytes,
  storedTensors,
} from '../../../build/tree/router.js'
import { treeShape, type TreeShape } from '../../../build/tree/shape.js'
import { keepNear } from '../../reference/select.js'
import { collapsedLogits, levelScores } from '../../train/reference.js'

await loadBuildKernels()

const DIM = 7
const arena = Arena.create()

interface Made {
  shape: TreeShape
  tables: Float32Array
  model: TrainedRoute
  /** Address of a routing query. */
  query: number
  values: Float32Array
}

/** A router of random tables in the arena, and a query. */
function make(kind: Router, arities: readonly number[], seed = 1): Made {
  const shape = treeShape(arities)
  const tensors = routerTensors(kind, shape, DIM)
  const rng = new Rng(seed)
  const tables = new Float32Array(routerFloats(tensors))
  for (const [name, view] of routerViews(tensors, tables)) {
    const { rows, cols } = tensors.find((tensor) => tensor.name === name)!
    const used = cols === padded(DIM) ? DIM : cols
    for (let i = 0; i < rows * cols; i++) view[i] = i % cols < used ? rng.normal() / Math.sqrt(cols) : 0
  }
  const at = arena.allocate(tables.byteLength)
  arena.f32(at, tables.length).set(tables)
  const model = { kind, shape, dim: DIM }
  const scratch = arena.allocate(RouteModel.scratchBytes(arena.kernels, model))
  const query = arena.allocate(64)
  const values = Float32Array.from({ length: DIM }, () => rng.normal())
  arena.f32(query, DIM).set(values)
  return { shape, tables, model: new TrainedRoute(arena, model, at, scratch), query, values }
}

/** Scores of all leaves by the formulas of src/tree/router.ts. */
function leafScores(kind: Router, { shape, tables, values }: Made): number[] {
  const { arities, nodeCounts, leafCount } = shape
  if (kind !== 'seq2seq') return [...levelScores(kind, shape, tables, arities.length - 1, values)]
  let scores = [0]
  let first = 0
  for (let level = 0; level < arities.length; level++) {
    scores = scores.flatMap((score, node) => {
      const logits = collapsedLogits(shape, tables, values, first + node).slice(0, arities[level])
      const top = Math.max(...logits)
      const norm = top + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0))
      return logits.map((logit) => score + logit - norm)
    })
    first += level === 0 ? 1 : nodeCounts[level - 1]!
  }
  expect(scores.length).toBe(leafCount)
  return scores
}

const KINDS = ['linear', 'residual', 'seq2seq'] as const
const SHAPES = [[9], [4, 5], [3, 2, 4]]

describe.each(KINDS.flatMap((kind) => SHAPES.map((arities) => [kind, arities] as const)))(
  'a %s router over %j',
  (kind, arities) => {
    const made = make(kind, arities)
    const wanted = leafScores(kind, made)
    const order = wanted.map((_, leaf) => leaf).sort((a, b) => wanted[b]! - wanted[a]!)
    const { model, query, shape } = made

    test('scores every leaf as the formulas say', () => {
      const scores = arena.f32(model.scoreLeaves(query), shape.leafCount)
      wanted.forEach((score, leaf) => expect(Math.abs(scores[leaf]! - score)).toBeLessThan(1e-4))
      expect(model.nodesScored).toBeGreaterThanOrEqual(shape.leafCount)
    })

    test('a beam of all nodes finds the best leaves, ascending, with their scores', () => {
      for (const probes of [1, 3, shape.leafCount]) {
        const count = model.route(query, { probes, beamWidth: shape.leafCount })
        const leaves = [...arena.u32(model.leaves, count)]
        expect(leaves).toEqual(order.slice(0, probes).sort((a, b) => a - b))
        const scores = [...arena.f32(model.leafScores, count)]
        scores.forEach((score, i) => expect(score).toBeCloseTo(wanted[leaves[i]!]!, 3))
      }
    })

    test('leaves and nodes far below the best are left out, as the reach says', () => {
      const all = shape.leafCount
      const far = Math.max(...wanted) - Math.min(...wanted)
      for (const leafReach of [far / 20, far / 4, far, 100 * far]) {
        const effort = { probes: all, beamWidth: all, leafReach }
        const leaves = [...arena.u32(model.leaves, model.route(query, effort))]
        const near = keepNear(wanted, leafReach)
        expect(leaves).toEqual(near.sort((a, b) => a - b))
        const few = model.route(query, { ...effort, probes: 2 })
        expect([...arena.u32(model.leaves, few)]).toEqual(
          order.slice(0, Math.min(2, near.length)).sort((a, b) => a - b),
        )
      }
      const best = model.route(query, { probes: all, beamWidth: 1, beamReach: 1e-9 })
      expect(best).toBe(shape.arities.length > 1 ? shape.arities.at(-1)! : all)
    })

    test('of fewer levels the nodes of the last one are found', () => {
      for (let depth = 1; depth < shape.arities.length; depth++) {
        const nodes = shape.nodeCounts[depth - 1]!
        const found = model.route(query, { probes: nodes, beamWidth: nodes }, shape.arities.slice(0, depth))
        expect([...arena.u32(model.leaves, found)]).toEqual(Array.from({ length: nodes }, (_, node) => node))
      }
    })

    test('a beam is widened where the probes need it, and all leaves are reached by any', () => {
      for (const beamWidth of [1, 2, 3]) {
        for (let probes = 1; probes <= shape.leafCount + 3; probes++) {
          const count = model.route(query, { probes, beamWidth })
          expect(count).toBe(Math.min(probes, shape.leafCount))
          expect(new Set(arena.u32(model.leaves, count)).size).toBe(count)
        }
      }
    })

    test('a narrow beam keeps to the best node of each level', () => {
      const count = model.route(query, { probes: 1, beamWidth: 1 })
      expect(count).toBe(1)
      let node = 0
      for (let level = 0; level < shape.arities.length; level++) {
        const arity = shape.arities[level]!
        const scores = arena.f32(model.scoreNode(query, level, node), arity).slice()
        node = node * arity + scores.indexOf(Math.max(...scores))
      }
      model.route(query, { probes: 1, beamWidth: 1 })
      expect(arena.u32(model.leaves, 1)[0]).toBe(node)
    })

    test('does as much work as is said', () => {
      expect(multiplyAdds(kind, shape, DIM, 1)).toBeLessThanOrEqual(multiplyAdds(kind, shape, DIM, shape.leafCount))
      if (kind !== 'linear') return
      model.route(query, { probes: 1, beamWidth: 2 })
      expect(multiplyAdds(kind, shape, DIM, 2)).toBe(model.nodesScored * DIM)
    })
  },
)

/** The tables that a packed router stands for. */
function unpacked(kind: Router, shape: TreeShape, stored: Uint8Array): Float32Array {
  const trained = routerTensors(kind, shape, DIM)
  const out = new Float32Array(routerFloats(trained))
  const views = routerViews(trained, out)
  let at = 0
  let steps = new Int8Array(0)
  for (const tensor of storedTensors(kind, shape, DIM)) {
    const { name, rows, cols, type } = tensor
    const bytes = stored.slice(at, at + rows * cols * (type === 'f32' ? 4 : 1)).buffer
    if (type === 'i8') steps = new Int8Array(bytes)
    else if (name.startsWith('scale')) {
      const scales = new Float32Array(bytes)
      const width = padded(DIM)
      const level = views.get(name.replace('scale', 'level'))!
      const stride = steps.length / scales.length
      level.forEach((_, i) => {
        const row = Math.floor(i / width)
        level[i] = steps[row * stride + (i % width)]! * scales[row]!
      })
    } else views.get(name)!.set(new Float32Array(bytes))
    at += storedTableBytes(tensor)
  }
  expect(at).toBe(stored.length)
  return out
}

describe.each((['linear', 'residual'] as const).flatMap((kind) => SHAPES.map((arities) => [kind, arities] as const)))(
  'a stored %s router over %j',
  (kind, arities) => {
    const { shape, tables, query, values } = make(kind, arities, 2)
    const bytes = storedBytes(storedTensors(kind, shape, DIM))
    const stored = arena.u8(arena.allocate(bytes), bytes).fill(0)
    packRouter(kind, shape, DIM, tables, stored)
    const scratch = { kind, shape, dim: DIM }
    const model = new RouteModel(
      arena,
      scratch,
      stored.byteOffset,
      arena.allocate(RouteModel.scratchBytes(arena.kernels, scratch)),
    )
    const own = unpacked(kind, shape, stored)
    /** Scores of all nodes of a level. */
    const storedScores = (level: number): Float32Array => {
      const all = { probes: shape.leafCount, beamWidth: shape.leafCount }
      const count = model.route(query, all, arities.slice(0, level + 1))
      return arena.f32(model.leafScores, count).slice()
    }

    test('keeps each row within half a step, and other tables as they are', () => {
      const [before, after] = [tables, own].map((floats) => routerViews(routerTensors(kind, shape, DIM), floats))
      for (const [name, view] of before!) {
        if (!name.startsWith('level')) expect(after!.get(name)).toEqual(view)
        else {
          const width = padded(DIM)
          for (let at = 0; at < view.length; at += width) {
            const row = view.subarray(at, at + width)
            const step = Math.max(...row.map(Math.abs)) / 127
            row.forEach((value, i) => {
              expect(Math.abs(after!.get(name)![at + i]! - value)).toBeLessThanOrEqual(step * 0.50001)
            })
          }
        }
      }
    })

    test('scores every node as its steps and those of the query say', () => {
      const last = arities.length - 1
      for (let level = 0; level <= last; level++) {
        const wanted = levelScores(kind, shape, own, level, values)
        const weights = routerViews(routerTensors(kind, shape, DIM), own).get(`level ${level}`)!
        const width = padded(DIM)
        const scores = storedScores(level)
        expect(scores.length).toBe(shape.nodeCounts[level])
        scores.forEach((score, row) => {
          // Components of the encoded query are below 8, so each is off by at most half of 8 / 2047.
          const sum = weights.subarray(row * width, (row + 1) * width).reduce((s, w) => s + Math.abs(w), 0)
          expect(Math.abs(score - wanted[row]!)).toBeLessThanOrEqual((4 / 2047) * sum + 1e-5)
        })
      }
    })

    test('a beam of all nodes finds the best leaves by these scores, ascending', () => {
      const leaves = shape.leafCount
      const scores = storedScores(arities.length - 1)
      const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b)
      for (const probes of [1, 3, leaves]) {
        const count = model.route(query, { probes, beamWidth: leaves })
        expect([...arena.u32(model.leaves, count)]).toEqual(order.slice(0, probes).sort((a, b) => a - b))
      }
    })
  },
)

test('equal scores are broken towards the lower node', () => {
  for (const [kind, Model] of [
    ['linear', TrainedRoute],
    ['residual', TrainedRoute],
    ['linear', RouteModel],
    ['residual', RouteModel],
  ] as const) {
    const shape = treeShape([3, 4])
    const made = { kind, shape, dim: DIM }
    const tables = arena.allocate(routerFloats(routerTensors(kind, shape, DIM)) * 4)
    const scratch = arena.allocate(RouteModel.scratchBytes(arena.kernels, made))
    const model = new Model(arena, made, tables, scratch)
    const count = model.route(arena.allocate(64), { probes: 7, beamWidth: 3 })
    expect([...arena.u32(model.leaves, count)]).toEqual([0, 1, 2, 3, 4, 5, 6])
  }
})
