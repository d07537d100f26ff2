import { toUnit } from '../base/stored-queries.js'
import { NearSearch } from '../partition/near.js'
import { Neighbourhood } from '../partition/near-graph.js'
import { NO_ROW, type PointTable, type Points } from '../partition/points.js'
import { RouteBlock, type BlockRouter } from '../partition/route-block.js'
import { localArena, queryAt, withPoints } from './context.js'
import type { QuerySet, Tasks } from './messages.js'
import { withScanner } from './scanner.js'

type Input<K extends keyof Tasks> = Tasks[K]['input']

/** Leaves scored for each one that a query visits, and nodes kept beyond those that it takes: what a beam may miss. */
const SCORED_PER_PROBE = 4
const MORE_NODES = 12
/** Leaves that a rank is counted among, and that the first is chosen from, at the least. */
const RANKED_AMONG = 1024
const FIRST_AMONG = 256
/** Rows beyond those wanted that are compared exactly: what the last bits of the approximate distances may hide. */
const EXTRA = 28

/** Write the neighbours of query `i`, the query's own row left out. */
function writeNeighbours(found: Uint32Array, queries: QuerySet, i: number, out: Uint32Array, k: number): void {
  const self = queries.positions?.[i] ?? NO_ROW
  let at = i * k
  for (const position of found) {
    if (position !== self && at < (i + 1) * k) out[at++] = position
  }
  out.fill(NO_ROW, at, (i + 1) * k)
}

/**
 * Room for the queries of a task: what a task leaves behind is collected only when there are tens of megabytes of it.
 */
let blockRoom = new Float32Array(0)

/** Queries by their numbers as they are, f32 [count * dim], until the next call. */
function rawQueries(queries: QuerySet, table: PointTable, order: Uint32Array): Float32Array {
  const { dim } = table
  if (blockRoom.length < order.length * dim) blockRoom = new Float32Array(order.length * dim)
  const raw = blockRoom.subarray(0, order.length * dim)
  order.forEach((query, i) => {
    const own = raw.subarray(i * dim, (i + 1) * dim)
    const found = queryAt(queries, table, query, own)
    if (found !== own) own.set(found)
  })
  return raw
}

/** Route a block of queries: of unit length but for L2. */
function routeQueries(block: RouteBlock, raw: Float32Array, { dim, metric }: PointTable, width: number): void {
  const count = raw.length / dim
  const routing = localArena().f32(block.queries, count * width)
  for (let i = 0; i < count; i++) {
    const query = routing.subarray(i * width, i * width + dim)
    query.set(raw.subarray(i * dim, (i + 1) * dim))
    if (metric !== 'l2') toUnit(query)
  }
  block.route(count)
}

/** Run with a block for so many queries that scores at least `looked` leaves for each. */
function withRouteBlock<T>(
  router: BlockRouter,
  { queries, looked, wanted = 0 }: { queries: number; looked: number; wanted?: number },
  use: (block: RouteBlock) => T,
): T {
  const arity = router.leaves.bias.length / (router.nodes?.bias.length ?? 1)
  const block = new RouteBlock(localArena(), router, queries, Math.ceil(looked / arity) + MORE_NODES, wanted)
  try {
    return use(block)
  } finally {
    block.close()
  }
}

function withNearSearch<T>(points: Points, raw: Float32Array, k: number, use: (near: NearSearch) => T): T {
  const near = new NearSearch(localArena(), points, raw, k)
  try {
    return use(near)
  } finally {
    near.close()
  }
}

export function neighbours(input: Input<'neighbours'>): undefined {
  const { points: table, router, leafOffsets, queries, order, k, probes, out, first, count } = input
  const numbers = order.subarray(first, first + count)
  withPoints(table, (points) => {
    const raw = rawQueries(queries, table, numbers)
    withRouteBlock(router, { queries: count, looked: SCORED_PER_PROBE * probes, wanted: probes }, (block) =>
      withNearSearch(points, raw, k + 1, (near) => {
        routeQueries(block, raw, table, points.width)
        const { offsets, queries: places } = block.visitors()
        const visits = (leaf: number): number => offsets[leaf + 1]! - offsets[leaf]!
        // What most of the block is near comes first: it tells how near is near enough for the rest.
        const wanted: number[] = []
        for (let leaf = 0; leaf + 1 < leafOffsets.length; leaf++) if (visits(leaf) > 0) wanted.push(leaf)
        wanted.sort((a, b) => visits(b) - visits(a) || a - b)
        for (const leaf of wanted) {
          const visitors = places.subarray(offsets[leaf]!, offsets[leaf + 1]!)
          near.look(visitors, leafOffsets[leaf]!, leafOffsets[leaf + 1]! - leafOffsets[leaf]!)
        }
        numbers.forEach((query, i) => writeNeighbours(near.take(i), queries, query, out, k))
      }),
    )
  })
  return undefined
}

export function join(input: Input<'join'>): undefined {
  const { points: table, queries, order, near, graph, out, first, count } = input
  const { k } = graph
  const neighbourhood = new Neighbourhood(graph)
  const room = new Float32Array(table.dim)
  withScanner(
    table,
    1,
    k,
    (scanner) => {
      for (const query of order.subarray(first, first + count)) {
        const own = near.subarray(query * k, (query + 1) * k)
        scanner.buffers[0]!.load(queryAt(queries, table, query, room))
        scanner.visit(0, neighbourhood.of(own, queries.positions?.[query] ?? NO_ROW))
        writeNeighbours(scanner.take(0).ids, queries, query, out, k)
      }
    },
    Neighbourhood.most(k),
  )
  return undefined
}

export function truth({ points: table, queries, k, out, first, count }: Input<'truth'>): undefined {
  const numbers = new Uint32Array(count).map((_, i) => first + i)
  const places = new Uint32Array(count).map((_, i) => i)
  const wide = Math.min(table.size, k + 1 + EXTRA)
  const room = new Float32Array(table.dim)
  withPoints(table, (points) =>
    withNearSearch(points, rawQueries(queries, table, numbers), wide, (near) => {
      near.look(places, 0, table.size)
      withScanner(
        table,
        1,
        k + 1,
        (scanner) => {
          for (const place of places) {
            scanner.buffers[0]!.load(queryAt(queries, table, first + place, room))
            scanner.visit(0, near.take(place))
            writeNeighbours(scanner.take(0).ids, queries, first + place, out, k)
          }
        },
        wide,
      )
    }),
  )
  return undefined
}

export function blockRanks(input: Input<'blockRanks'>): undefined {
  const { points: table, router, queries, order, neighbours: found, k, holders, out, first, count } = input
  const numbers = order.subarray(first, first + count)
  withPoints(table, (points) =>
    withRouteBlock(router, { queries: count, looked: RANKED_AMONG }, (block) => {
      routeQueries(block, rawQueries(queries, table, numbers), table, points.width)
      // Neighbours share leaves: each is ranked once for a query.
      const ranks = new Int32Array(router.leaves.bias.length).fill(-1)
      const ranked: number[] = []
      numbers.forEach((query, i) => {
        for (let j = query * k; j < (query + 1) * k; j++) {
          out[j] = NO_ROW
          if (found[j] === NO_ROW) continue
          for (let h = holders.offsets[found[j]!]!; h < holders.offsets[found[j]! + 1]!; h++) {
            const leaf = holders.leaves[h]!
            if (ranks[leaf]! < 0) {
              ranks[leaf] = block.rank(i, leaf)
              ranked.push(leaf)
            }
            out[j] = Math.min(out[j]!, ranks[leaf]!)
          }
        }
        for (const leaf of ranked) ranks[leaf] = -1
        ranked.length = 0
      })
    }),
  )
  return undefined
}

/** The leaf that comes first for each query, among those under the best nodes. */
export function firstLeaves({ points: table, router, queries, out, first, count }: Input<'firstLeaves'>): undefined {
  const numbers = new Uint32Array(count).map((_, i) => first + i)
  withPoints(table, ({ width }) =>
    withRouteBlock(router, { queries: count, looked: FIRST_AMONG, wanted: 1 }, (block) => {
      routeQueries(block, rawQueries(queries, table, numbers), table, width)
      out.set(block.shorten(1, 1).leaves, first)
    }),
  )
  return undefined
}
