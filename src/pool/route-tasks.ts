import { align64 } from '../base/align.js'
import { balance, NO_LEAF } from '../partition/balance.js'
import { NO_ROW, type PointTable } from '../partition/points.js'
import { QueryBuffer } from '../search/query.js'
import type { RouteEffort, RouteModel } from '../search/route.js'
import { treeShape } from '../tree/shape.js'
import { arenaOf, localArena, queryAt, rowAsQuery, withBytes, withRouter } from './context.js'
import type { Holders, RouterTables, Tasks, Votes } from './messages.js'
import { withScanner } from './scanner.js'

type Input<K extends keyof Tasks> = Tasks[K]['input']

/** Run with a routing query buffer in this thread's arena, and a way to fill it. */
function withRouting<T>(
  table: PointTable,
  read: (i: number) => Float32Array,
  use: (load: (i: number) => number) => T,
): T {
  const arena = localArena()
  return withBytes(arena, QueryBuffer.scratchBytes(table.dim), (address) => {
    const buffer = new QueryBuffer(arena, table, address)
    return use((i) => {
      buffer.load(read(i))
      return buffer.routing
    })
  })
}

export function exact(input: Input<'exact'>): undefined {
  const { points: table, order, queries, k, outIds, outDistances, first, count } = input
  withScanner(table, count, k, (scanner) => {
    for (let i = 0; i < count; i++) {
      scanner.buffers[i]!.load(queryAt({ matrix: queries }, table, first + i), `query ${first + i}`)
    }
    scanner.scanAll(count, order)
    for (let i = 0; i < count; i++) {
      const { ids, distances } = scanner.take(i)
      outIds.set(ids, (first + i) * k)
      outDistances.set(distances, (first + i) * k)
    }
  })
  return undefined
}

export function ranks(input: Input<'ranks'>): undefined {
  const { points: table, router, queries, neighbours: found, k, holders, out, first, count } = input
  const arena = localArena()
  const { leafCount } = treeShape(router.arities)
  withRouter(router, table.dim, (model) =>
    withRouting(
      table,
      (i) => queryAt(queries, table, i),
      (load) => {
        for (let i = first; i < first + count; i++) {
          const address = model.scoreLeaves(load(i))
          const scores = arena.f32(address, leafCount)
          for (let j = i * k; j < (i + 1) * k; j++) {
            out[j] = NO_ROW
            if (found[j] === NO_ROW) continue
            let best = -Infinity
            const end = holders.offsets[found[j]! + 1]!
            for (let at = holders.offsets[found[j]!]!; at < end; at++)
              best = Math.max(best, scores[holders.leaves[at]!]!)
            out[j] = arena.kernels.countAbove(address, leafCount, best)
          }
        }
      },
    ),
  )
  return undefined
}

/** Loads of the leaves under the holders. */
function leafLoads(holders: Holders, leafCount: number): Uint32Array {
  const loads = new Uint32Array(leafCount)
  for (const leaf of holders.leaves) loads[leaf]!++
  return loads
}

/**
 * Ranks of leaves among those that a route chooses, best first: how many leaves come before each, or how many entries have been
 * met when it has been visited.
 */
class LeafRanker {
  /** [leafCount] of the last route; `NO_ROW` for leaves that it did not choose. */
  readonly ranks: Uint32Array
  readonly #model: RouteModel
  readonly #loads: Uint32Array | undefined
  readonly #scratch: number

  /**
   * @param loads - [leafCount] entries of the leaves, where these are counted.
   * @param scratch - `sortBytes` of all leaves.
   */
  constructor(model: RouteModel, leafCount: number, loads: Uint32Array | undefined, scratch: number) {
    this.#model = model
    this.#loads = loads
    this.#scratch = scratch
    this.ranks = new Uint32Array(leafCount)
  }

  /** @returns how many leaves a query's route chooses. */
  route(query: number, beam: RouteEffort): number {
    const arena = localArena()
    const { leaves, leafScores } = this.#model
    const visited = this.#model.route(query, beam)
    arena.kernels.sortBest(leaves, leafScores, visited, this.#scratch)
    const best = arena.u32(leaves, visited)
    const [ranks, loads] = [this.ranks, this.#loads]
    ranks.fill(NO_ROW)
    let met = 0
    for (let place = 0; place < visited; place++) {
      const leaf = best[place]!
      if (loads !== undefined) met += loads[leaf]!
      ranks[leaf] = loads === undefined ? place : met
    }
    return visited
  }
}

export function beamRanks(input: Input<'beamRanks'>): undefined {
  const { points: table, routers, queries, holders, unit, first, count } = input
  const arena = localArena()
  withRouting(
    table,
    (i) => queryAt(queries, table, i),
    (load) => {
      for (let t = 0; t < routers.length; t++) {
        const router = routers[t]!
        const { leafCount } = treeShape(router.arities)
        withRouter(router, table.dim, (model) =>
          withBytes(arena, arena.kernels.sortBytes(leafCount), (scratch) => {
            const loads = unit === 'entries' ? leafLoads(holders[t]!, leafCount) : undefined
            const ranker = new LeafRanker(model, leafCount, loads, scratch)
            for (let i = first; i < first + count; i++) writeBeamRanks(input, t, i, load(i), ranker)
          }),
        )
      }
    },
  )
  return undefined
}

/** Under each beam the best rank of each neighbour of query `i`, over its leaves of this tree and of those before. */
function writeBeamRanks(
  { routers, total, neighbours, k, holders, beams, out, reached }: Input<'beamRanks'>,
  tree: number,
  i: number,
  query: number,
  ranker: LeafRanker,
): void {
  const { offsets, leaves } = holders[tree]!
  const { ranks } = ranker
  for (const [b, beam] of beams.entries()) {
    // All leaves below what the beam keeps, no more nodes for the sake of leaves.
    const probes = beam.beamWidth * routers[tree]!.arities.at(-1)!
    const visited = ranker.route(query, { ...beam, probes })
    reached[b * total + i] = (tree === 0 ? 0 : reached[b * total + i]!) + visited
    for (let j = i * k; j < (i + 1) * k; j++) {
      const at = b * total * k + j
      const position = neighbours[j]!
      let best = tree === 0 ? NO_ROW : out[at]!
      if (position !== NO_ROW)
        for (let h = offsets[position]!; h < offsets[position + 1]!; h++) best = Math.min(best, ranks[leaves[h]!]!)
      out[at] = best
    }
  }
}

export function navigateRoot({ points: table, router, votes, first, count, ...to }: Input<'navigateRoot'>): undefined {
  const { memory, key, auction } = to.table
  const arena = localArena()
  const shared = arenaOf(memory, key)
  const { kernels } = arena
  const arity = router.arities[0]!
  const { length } = auction
  const leaves = shared.u32(auction.leaves, auction.count * length)
  const listed = shared.f32(auction.scores, auction.count * length)
  const selectBytes = kernels.selectBytes(arity, length)
  withRouter(router, table.dim, (model) =>
    withRouting(
      table,
      (i) => rowAsQuery(table, votes, first + i),
      (load) =>
        withBytes(arena, selectBytes + length * 8 + 64, (address) => {
          const chosen = align64(address + selectBytes)
          for (let i = 0; i < count; i++) {
            const scores = model.scoreNode(load(i), 0, 0)
            const kept = kernels.selectBest(scores, arity, length, address, chosen, chosen + length * 4)
            const at = (first + i) * length
            leaves.set(arena.u32(chosen, kept), at)
            listed.set(arena.f32(chosen + length * 4, kept), at)
            leaves.fill(NO_LEAF, at + kept, at + length)
          }
        }),
    ),
  )
  return undefined
}

/** Scores of one row against all children of the root. */
export function scoreRoot(
  table: PointTable,
  router: RouterTables,
  votes: Votes | undefined,
  row: number,
): Float32Array {
  return withRouter(router, table.dim, (model) =>
    withRouting(
      table,
      () => rowAsQuery(table, votes, row),
      (load) =>
        localArena()
          .f32(model.scoreNode(load(0), 0, 0), router.arities[0]!)
          .slice(),
    ),
  )
}

export function navigate(input: Input<'navigate'>): undefined {
  const { points: table, router, votes, level, offsets, rows, capacity, out, first, count } = input
  const arity = router.arities[level]!
  for (let node = first; node < first + count; node++) {
    const members = rows.slice(offsets[node]!, offsets[node + 1]!)
    const scores = new Float32Array(members.length * arity)
    withRouter(router, table.dim, (model) =>
      withRouting(
        table,
        (i) => rowAsQuery(table, votes, members[i]!),
        (load) => {
          for (let i = 0; i < members.length; i++) {
            scores.set(localArena().f32(model.scoreNode(load(i), level, node), arity), i * arity)
          }
        },
      ),
    )
    const chosen = balance(localArena(), {
      lists: { leaves: undefined, scores, count: members.length, length: arity },
      capacities: new Uint32Array(arity).fill(capacity),
      scoreAll: (i) => scores.subarray(i * arity, (i + 1) * arity),
    })
    for (let i = 0; i < members.length; i++) out[members[i]!] = node * arity + chosen[i]!
  }
  return undefined
}
