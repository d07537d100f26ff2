import { align64 } from '../base/align.js'
import { rowStride } from '../base/matrix.js'
import { Rng } from '../base/rng.js'
import { chooseSome, NO_LEAF, raiseSome } from '../partition/balance.js'
import { copyScores, type RowGeometry } from '../partition/copies.js'
import { groupLeaves } from '../partition/group.js'
import { kMeans, nearnessBias } from '../partition/kmeans.js'
import { LeafScorer, LeafTable } from '../partition/lists.js'
import type { Points } from '../partition/points.js'
import { RouteBlock } from '../partition/route-block.js'
import { treeShape } from '../tree/shape.js'
import { arenaOf, localArena, withBytes, withPoints } from './context.js'
import type { AuctionTable, GroupedRows, Tasks } from './messages.js'

type Input<K extends keyof Tasks> = Tasks[K]['input']

/** Points scored at a time, and listed at a time. */
const BLOCK = 256
const LIST_BLOCK = 512
/** Leaves looked at for each one kept in a list, and at the least. */
const LOOKED_PER_LISTED = 32
const LEAST_LOOKED = 1024
/** A short list holds at least this share of its length. */
const LEAST_FILLED = 0.75

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
    withBytes(arena, k * (width + 2) * 4 + BLOCK * (width + k + 1) * 4 + 128, (address) => {
      const bias = address + k * width * 4
      const prices = bias + k * 4
      const block = align64(prices + k * 4)
      const scores = align64(block + BLOCK * width * 4)
      const choice = scores + BLOCK * k * 4
      arena.f32(address, k * width).set(centroids)
      arena.f32(bias, k).set(nearnessBias(centroids, width))
      for (let done = 0; done < count; done += BLOCK) {
        const some = Math.min(BLOCK, count - done)
        points.gather(rows.subarray(first + done, first + done + some), block)
        arena.kernels.dots(block, width * 4, some, address, width * 4, k, width, bias, 0, scores)
        arena.kernels.chooseLeaves(0, some, 0, scores, prices, k, choice)
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

export function vicinities(input: Input<'vicinities'>): undefined {
  const { centres, centroids, width, length, out, first, count } = input
  const table = new LeafTable(localArena(), centroids, width)
  try {
    table.vicinities(centres, first, count, length, out)
  } finally {
    table.close()
  }
  return undefined
}

/** Visit the members of groups [first, first + count) with a scorer that has taken in their vicinity. */
function visitGroups(
  input: GroupedRows & { first: number; count: number },
  use: (scorer: LeafScorer, points: Points, members: Uint32Array, group: number) => void,
): void {
  const { points: table, centroids, offsets, members, vicinity, first, count } = input
  const { leaves, length } = vicinity
  withPoints(table, (points) => {
    const scorer = new LeafScorer(localArena(), centroids, points.width, length)
    try {
      for (let group = first; group < first + count; group++) {
        if (offsets[group] === offsets[group + 1]) continue
        scorer.enter(leaves.subarray(group * length, (group + 1) * length))
        use(scorer, points, members.subarray(offsets[group]!, offsets[group + 1]!), group)
      }
    } finally {
      scorer.close()
    }
  })
}

export function nearestLeaves(input: Input<'nearestLeaves'>): undefined {
  visitGroups(input, (scorer, points, members) => scorer.nearest(points, members, input.out))
  return undefined
}

/** The lists of an auction. */
function listsOf({ memory, key, auction }: AuctionTable): { leaves: Uint32Array; scores: Float32Array } {
  const arena = arenaOf(memory, key)
  const { count, length } = auction
  return { leaves: arena.u32(auction.leaves, count * length), scores: arena.f32(auction.scores, count * length) }
}

export function lists({ points: table, router, rows, table: to, first, count }: Input<'lists'>): undefined {
  const arena = localArena()
  const { leaves, scores } = listsOf(to)
  const { length } = to.auction
  const least = Math.ceil(length * LEAST_FILLED)
  const arity = router.leaves.bias.length / (router.nodes?.bias.length ?? 1)
  const beam = Math.ceil(Math.max(length * LOOKED_PER_LISTED, LEAST_LOOKED) / arity) + 1
  withPoints(table, (points) => {
    const block = new RouteBlock(arena, router, LIST_BLOCK, beam, length)
    try {
      for (let done = first; done < first + count; done += LIST_BLOCK) {
        const some = Math.min(LIST_BLOCK, first + count - done)
        if (rows === undefined) points.range(done, some, block.queries)
        else points.gather(rows.subarray(done, done + some), block.queries)
        block.route(some)
        const short = block.shorten(least, length)
        leaves.set(short.leaves, done * length)
        scores.set(short.scores, done * length)
      }
    } finally {
      block.close()
    }
  })
  return undefined
}

/** The scores of all that lists of all rows hold, under centroids that moved. */
export function rescore({ points: table, centroids, table: to, first, count }: Input<'rescore'>): undefined {
  const arena = localArena()
  const { leaves, scores } = listsOf(to)
  const { length } = to.auction
  withPoints(table, (points) => {
    const { width } = points
    const line = (floats: number): number => align64(floats * 4)
    const parts = [centroids.length, centroids.length / width, LIST_BLOCK * width, LIST_BLOCK * length].map(line)
    const bytes = parts.reduce((sum, part) => sum + part, LIST_BLOCK * length * 4)
    withBytes(arena, bytes, (address) => {
      const bias = address + parts[0]!
      const block = bias + parts[1]!
      const ids = block + parts[2]!
      const out = ids + parts[3]!
      arena.f32(address, centroids.length).set(centroids)
      arena.f32(bias, centroids.length / width).set(nearnessBias(centroids, width))
      for (let done = first; done < first + count; done += LIST_BLOCK) {
        const some = Math.min(LIST_BLOCK, first + count - done)
        const listed = leaves.subarray(done * length, (done + some) * length)
        points.range(done, some, block)
        arena.u32(ids, listed.length).set(listed)
        const found = arena.f32(out, listed.length)
        for (let i = 0; i < some; i++) {
          const own = listed.subarray(i * length, (i + 1) * length)
          const end = own.indexOf(NO_LEAF)
          const held = end < 0 ? length : end
          const at = i * length * 4
          arena.kernels.dotsAt(block + i * width * 4, address, width * 4, ids + at, held, width, bias, out + at)
          if (held < length) found.fill(-Infinity, i * length + held, (i + 1) * length)
        }
        scores.set(found, done * length)
      }
    })
  })
  return undefined
}

export function auction({ table, kind, first, count }: Input<'auction'>): undefined {
  const step = kind === 'choose' ? chooseSome : raiseSome
  step(arenaOf(table.memory, table.key), table.auction, first, count)
  return undefined
}

export function means({ points: table, offsets, rows, out, first, count }: Input<'means'>): undefined {
  const arena = localArena()
  withPoints(table, (points) => {
    const { width } = points
    for (let leaf = first; leaf < first + count; leaf++) {
      const members = rows.subarray(offsets[leaf]!, offsets[leaf + 1]!)
      // An empty leaf keeps the centroid it has.
      if (members.length === 0) continue
      const bytes = align64(members.length * width * 4)
      withBytes(arena, bytes + width * 8, (address) => {
        points.gather(members, address)
        arena.kernels.addRows(address, width * 4, members.length, width, 1, address + bytes)
        const sums = new Float64Array(arena.memory.buffer, address + bytes, width)
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
  const ids = scratch + align64(width * 4)
  const dots = ids + align64(row.list.length * 4)
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

export function copyLists({
  points: table,
  tree,
  holders,
  rows,
  table: to,
  first,
  count,
}: Input<'copyLists'>): undefined {
  const arena = localArena()
  const values = tree.levels.at(-1)!
  const { leaves: allLeaves, scores: allScores } = listsOf(to)
  const { length } = to.auction
  withPoints(table, (points) => {
    const { width } = points
    withBytes(arena, values.byteLength + BLOCK * width * 4 + width * 4 + length * 8 + 256, (address) => {
      const block = align64(address + values.byteLength)
      const scratch = block + BLOCK * width * 4
      arena.f32(address, values.length).set(values)
      for (let done = first; done < first + count; done += BLOCK) {
        const some = rows.subarray(done, Math.min(done + BLOCK, first + count))
        points.gather(some, block)
        for (let i = 0; i < some.length; i++) {
          const row = some[i]!
          const at = (done + i) * length
          const outLeaves = allLeaves.subarray(at, at + length)
          const outScores = allScores.subarray(at, at + length)
          const end = outLeaves.indexOf(NO_LEAF)
          const list = outLeaves.slice(0, end < 0 ? length : end)
          const leaves = [...holders.leaves.subarray(holders.offsets[row]!, holders.offsets[row + 1]!)]
          const geometry = rowGeometry(
            width,
            { address: block + i * width * 4, leaves, list },
            { values, address },
            scratch,
          )
          copyScores(list, outScores.slice(0, list.length), geometry, outLeaves, outScores)
        }
      }
    })
  })
  return undefined
}
