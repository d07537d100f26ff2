import { align64 } from '../base/align.js'
import type { Arena } from '../kernels/memory.js'
import { Points, type PointTable } from '../partition/points.js'
import type { ModelShape } from '../search/route.js'
import { TrainedRoute } from '../search/trained-route.js'
import { treeShape } from '../tree/shape.js'
import type { QuerySet, RouterTables, Votes } from './messages.js'
import { readRow, rowStride } from '../base/matrix.js'
import { localArena } from './arenas.js'

export { arenaOf, localArena } from './arenas.js'

/** Run with points of a table, and give their buffer back. */
export function withPoints<T>(table: PointTable, use: (points: Points) => T): T {
  const points = new Points(table, localArena())
  try {
    return use(points)
  } finally {
    points.close()
  }
}

/** Run with bytes of an arena, and give them back. */
export function withBytes<T>(arena: Arena, bytes: number, use: (address: number) => T): T {
  const address = arena.allocate(bytes)
  try {
    return use(address)
  } finally {
    arena.free(address)
  }
}

/** Run with a router loaded into this thread's arena. */
export function withRouter<T>(router: RouterTables, dim: number, use: (model: TrainedRoute) => T): T {
  const arena = localArena()
  const model: ModelShape = { kind: router.kind, shape: treeShape(router.arities), dim }
  const tableBytes = align64(router.tables.byteLength)
  return withBytes(arena, tableBytes + TrainedRoute.scratchBytes(arena.kernels, model), (address) => {
    arena.f32(address, router.tables.length).set(router.tables)
    return use(new TrainedRoute(arena, model, address, address + tableBytes))
  })
}

/** What stands for a row when it is navigated: the mean of the logged queries that ask for it, or the row itself. */
export function rowAsQuery(table: PointTable, votes: Votes | undefined, position: number): Float32Array {
  const vote = votes?.index[position] ?? -1
  if (vote >= 0) return votes!.matrix.subarray(vote * table.dim, (vote + 1) * table.dim)
  return queryAt({ positions: Uint32Array.of(position) }, table, 0)
}

/**
 * Query `i` of a set as numbers: where they lie, or, of stored rows, in `out`.
 * @param out - f32 [dim].
 */
export function queryAt(queries: QuerySet, table: PointTable, i: number, out?: Float32Array): Float32Array {
  const { dim, rowType } = table
  if (queries.matrix !== undefined) {
    const row = queries.rows?.[i] ?? i
    return queries.matrix.subarray(row * dim, (row + 1) * dim)
  }
  const stored = new Uint8Array(table.memory.buffer, table.rows, table.size * rowStride(rowType, dim))
  return readRow(stored, queries.positions![i]!, rowType, dim, out)
}
