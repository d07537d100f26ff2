import { align64 } from '../base/align.js'
import { rowStride, TYPE_CODE } from '../base/matrix.js'
import type { Arena } from '../kernels/memory.js'
import type { PointTable } from '../partition/points.js'
import { METRIC_CODE, QueryBuffer } from '../search/query.js'
import { arenaOf } from './context.js'

/** Rows of one kernel call in an exact scan: they stay in the cache while every query of the task passes over them. */
const SCAN_BLOCK = 2048

/** Scans rows of the index in its memory for queries of a set; the heap's ids are positions, or `order`'s values. */
export class Scanner {
  readonly #arena: Arena
  readonly #table: PointTable
  readonly #stride: number
  readonly #address: number
  readonly #sorted: number
  readonly #heapBytes: number
  readonly #k: number
  readonly #entries: number
  readonly buffers: QueryBuffer[]

  /** @param most - positions of one `visit`. */
  constructor(table: PointTable, queries: number, k: number, most = 0) {
    const arena = arenaOf(table.memory, table.key)
    this.#arena = arena
    this.#table = table
    this.#k = k
    this.#stride = rowStride(table.rowType, table.dim)
    this.#heapBytes = align64(arena.kernels.heapBytes(k))
    const queryBytes = QueryBuffer.scratchBytes(table.dim)
    this.#address = arena.allocate(queries * (queryBytes + this.#heapBytes) + (k * 2 + most) * 4 + 64)
    const first = this.#address + queries * this.#heapBytes
    this.buffers = Array.from({ length: queries }, (_, i) => new QueryBuffer(arena, table, first + i * queryBytes))
    this.#sorted = first + queries * queryBytes
    this.#entries = this.#sorted + k * 8
    for (let i = 0; i < queries; i++) this.reset(i)
  }

  close(): void {
    this.#arena.free(this.#address)
  }

  reset(i: number): void {
    this.#arena.kernels.heapReset(this.#address + i * this.#heapBytes, this.#k)
  }

  scan(i: number, first: number, count: number, order = 0): void {
    const { metric, rowType, dim, rows, scales } = this.#table
    const { kind, address } = this.buffers[i]!
    const heap = this.#address + i * this.#heapBytes
    const { kernels } = this.#arena
    kernels.scanRows(
      METRIC_CODE[metric],
      TYPE_CODE[rowType],
      kind,
      address,
      dim,
      rows,
      this.#stride,
      first,
      count,
      scales,
      order,
      heap,
    )
  }

  /** Pass every query over all rows, block of rows by block of rows. */
  scanAll(count: number, order = 0): void {
    const { size } = this.#table
    for (let row = 0; row < size; row += SCAN_BLOCK) {
      const rows = Math.min(SCAN_BLOCK, size - row)
      for (let i = 0; i < count; i++) this.scan(i, row, rows, order)
    }
  }

  /** Scan the rows at some positions, at most as many as were announced, for query i. */
  visit(i: number, positions: Uint32Array): void {
    const { metric, rowType, dim, rows, scales } = this.#table
    const { kind, address } = this.buffers[i]!
    this.#arena.u32(this.#entries, positions.length).set(positions)
    this.#arena.kernels.scanEntries(
      METRIC_CODE[metric],
      TYPE_CODE[rowType],
      kind,
      address,
      dim,
      rows,
      this.#stride,
      this.#entries,
      positions.length,
      0,
      scales,
      0,
      this.#address + i * this.#heapBytes,
    )
  }

  /** Ids and distances of query i, nearest first, valid until the next call. */
  take(i: number): { ids: Uint32Array; distances: Float32Array } {
    const ids = this.#sorted + this.#k * 4
    const count = this.#arena.kernels.heapSort(this.#address + i * this.#heapBytes, this.#sorted, ids)
    return { ids: this.#arena.u32(ids, count), distances: this.#arena.f32(this.#sorted, count) }
  }
}

/** Run with a scanner, and give its memory back. */
export function withScanner<T>(
  table: PointTable,
  queries: number,
  k: number,
  use: (scanner: Scanner) => T,
  most = 0,
): T {
  const scanner = new Scanner(table, queries, k, most)
  try {
    return use(scanner)
  } finally {
    scanner.close()
  }
}
