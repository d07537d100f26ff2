import { rowStride } from '../base/matrix.js'
import { Rng } from '../base/rng.js'
import { balance, NO_LEAF } from '../partition/balance.js'
import { copyScores, type RowGeometry } from '../partition/copies.js'
import { groupLeaves } from '../partition/group.js'
import { kMeans, nearnessBias } from '../partition/kmeans.js'
import { LeafFinder } from '../partition/lists.js'
import { treeShape } from '../tree/shape.js'
import { localArena, withBytes, withPoints } from './context.js'
import type { CentroidTree, Holders, Tasks } from './messages.js'

type Input<K extends keyof Tasks> = Tasks[K]['input']

/** Points scored at a time. */
const BLOCK = 256

export function coarse({ points: table, sample, k, iterations, seed }: Input<'coarse'>): Float32Array {
  return clusterRows({ points: table, rows: sample, k, iterations, seed, stream: 1 })
}

export function refine(input: Input<'refine'>): Float32Array {
  return clusterRows(input)
}

function clusterRows({ points: table, rows, k, iterations, seed, stream }: Input<'refine'>): Float32Array {
  const arena = localArena()
  return withPoints(table, (points) =>
    withBytes(arena, rows.length * points.width * 4, (address) => {
      points.gather(rows, address)
      const block = { address, count: rows.length, width: points.width }
      return kMeans(arena, block, k, iterations, new Rng(seed, stream))
    }),
  )
}

export function nearest({ points: table, rows, centroids, out, first, count }: Input<'nearest'>): undefined {
  const arena = localArena()
  withPoints(table, (points) => {
    const { width } = points
    const k = centroids.length / width
    withBytes(arena, k * (width + 3) * 4 + BLOCK * (width + k + 1) * 4, (address) => {
      const bias = address + k * width * 4
      const prices = bias + k * 4
      const loads = prices + k * 4
      const block = loads + k * 4
      const scores = (block + BLOCK * width * 4 + 63) & ~63
      const choice = scores + BLOCK * k * 4
      arena.f32(address, k * width).set(centroids)
      arena.f32(bias, k).set(nearnessBias(centroids, width))
      for (let done = 0; done < count; done += BLOCK) {
        const some = Math.min(BLOCK, count - done)
        points.gather(rows.subarray(first + done, first + done + some), block)
        arena.kernels.dots(block, width * 4, some, address, width * 4, k, width, bias, 0, scores)
        arena.kernels.chooseByPrice(0, scores, prices, some, k, choice, loads)
        out.set(arena.u32(choice, some), first + done)
      }
    })
  })
  return undefined
}

export function group({ leaves, arities, width, seed }: Input<'group'>): Tasks['group']['output'] {
  const { order, levels } = groupLeaves(localArena(), leaves, treeShape(arities), width, seed)
  return { order, levels: [...levels] }
}

function withFinder<T>(tree: CentroidTree, width: number, use: (finder: LeafFinder) => T): T {
  const finder = new LeafFinder(localArena(), tree.levels, treeShape(tree.arities), width)
  try {
    return use(finder)
  } finally {
    finder.close()
  }
}

export function lists({ points: table, tree, lists: out, first, count }: Input<'lists'>): undefined {
  const { length } = out
  withPoints(table, (points) => {
    withFinder(tree, points.width, (finder) => {
      const leaves = out.leaves.subarray(first * length, (first + count) * length)
      const scores = out.scores.subarray(first * length, (first + count) * length)
      finder.find(points, first, count, length, leaves, scores)
    })
  })
  return undefined
}

export function balanceRows({ points: table, tree, lists: all, capacity }: Input<'balance'>): Uint32Array {
  const shape = treeShape(tree.arities)
  return withPoints(table, (points) =>
    withFinder(tree, points.width, (finder) =>
      balance(localArena(), {
        lists: { ...all, count: table.size },
        capacities: new Uint32Array(shape.leafCount).fill(capacity),
        scoreAll: (row) => finder.scoreAll(points, row),
      }),
    ),
  )
}

export function means({ points: table, offsets, rows, out, first, count }: Input<'means'>): undefined {
  const arena = localArena()
  withPoints(table, (points) => {
    const { width } = points
    for (let leaf = first; leaf < first + count; leaf++) {
      const members = rows.subarray(offsets[leaf]!, offsets[leaf + 1]!)
      // An empty leaf keeps the centroid it has.
      if (members.length === 0) continue
      withBytes(arena, members.length * width * 4, (address) => {
        points.gather(members, address)
        const sums = new Float64Array(width)
        const values = arena.f32(address, members.length * width)
        for (let i = 0; i < values.length; i++) sums[i % width]! += values[i]!
        for (let j = 0; j < width; j++) out[leaf * width + j] = sums[j]! / members.length
      })
    }
  })
  return undefined
}

/** Follow each cycle of the permutation, holding one row aside. */
export function permute({ points: table, order }: Input<'permute'>): undefined {
  const stride = rowStride(table.rowType, table.dim)
  const rows = new Uint8Array(table.memory.buffer, table.rows, table.size * stride)
  const scales = new Float32Array(table.memory.buffer, table.scales, table.scales === 0 ? 0 : table.size)
  const done = new Uint8Array(table.size)
  const held = new Uint8Array(stride)
  for (let start = 0; start < table.size; start++) {
    if (done[start] === 1 || order[start] === start) continue
    held.set(rows.subarray(start * stride, (start + 1) * stride))
    const heldScale = scales[start] ?? 0
    let to = start
    for (;;) {
      done[to] = 1
      const from = order[to]!
      if (from === start) break
      rows.copyWithin(to * stride, from * stride, (from + 1) * stride)
      if (scales.length > 0) scales[to] = scales[from]!
      to = from
    }
    rows.set(held, to * stride)
    if (scales.length > 0) scales[to] = heldScale
  }
  return undefined
}

/** Distances that `copyScores` needs, for one row whose point lies at `address`; scratch holds a residual and dots. */
function rowGeometry(
  width: number,
  row: { address: number; leaves: readonly number[]; list: Uint32Array },
  centroids: { values: Float32Array; address: number },
  scratch: number,
): RowGeometry {
  const arena = localArena()
  const point = arena.f32(row.address, width)
  const ids = scratch + ((width * 4 + 63) & ~63)
  const dots = ids + ((row.list.length * 4 + 63) & ~63)
  arena.u32(ids, row.list.length).set(row.list)
  let norm = 0
  for (const value of point) norm += value * value
  const holders = row.leaves.map((leaf) => {
    const residual = arena.f32(scratch, width)
    let size = 0
    let along = 0
    for (let j = 0; j < width; j++) {
      const r = point[j]! - centroids.values[leaf * width + j]!
      residual[j] = r
      size += r * r
      along += r * point[j]!
    }
    arena.kernels.dotsAt(scratch, centroids.address, width * 4, ids, row.list.length, width, 0, dots)
    return { leaf, along, residual: size, dots: arena.f32(dots, row.list.length).slice() }
  })
  return { norm, holders }
}

export function copyLists(input: Input<'copyLists'>): undefined {
  const { points: table, tree, lists: all, holders, rows, out, first, count } = input
  const arena = localArena()
  const values = tree.levels.at(-1)!
  const { length } = all
  withPoints(table, (points) => {
    const { width } = points
    withBytes(arena, values.byteLength + BLOCK * width * 4 + width * 4 + length * 8 + 256, (address) => {
      const block = (address + values.byteLength + 63) & ~63
      const scratch = block + BLOCK * width * 4
      arena.f32(address, values.length).set(values)
      for (let done = first; done < first + count; done += BLOCK) {
        const some = rows.subarray(done, Math.min(done + BLOCK, first + count))
        points.gather(some, block)
        for (let i = 0; i < some.length; i++) {
          const row = some[i]!
          const listed = all.leaves.subarray(row * length, (row + 1) * length)
          const end = listed.indexOf(NO_LEAF)
          const list = end < 0 ? listed : listed.subarray(0, end)
          const leaves = [...holders.leaves.subarray(holders.offsets[row]!, holders.offsets[row + 1]!)]
          const at = { address: block + i * width * 4, leaves, list }
          const geometry = rowGeometry(width, at, { values, address }, scratch)
          const to = (done + i) * length
          const nearness = all.scores.subarray(row * length, row * length + list.length)
          copyScores(
            list,
            nearness,
            geometry,
            out.leaves.subarray(to, to + length),
            out.scores.subarray(to, to + length),
          )
        }
      }
    })
  })
  return undefined
}

function holds(holders: Holders, row: number, leaf: number): boolean {
  return holders.leaves.subarray(holders.offsets[row]!, holders.offsets[row + 1]!).includes(leaf)
}

export function placeCopies(input: Input<'placeCopies'>): Uint32Array {
  const { points: table, tree, lists: all, holders, rows, capacities } = input
  return withPoints(table, (points) =>
    withFinder(tree, points.width, (finder) =>
      balance(localArena(), {
        lists: { ...all, count: rows.length },
        capacities,
        scoreAll: (i) => finder.scoreAll(points, rows[i]!),
        forbidden: (i, leaf) => holds(holders, rows[i]!, leaf),
      }),
    ),
  )
}
