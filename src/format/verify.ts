import { COMPONENT_BYTES, rowRoom, stepAt, type KeptType } from '../base/matrix.js'
import type { RowType } from '../base/options.js'
import type { Snapshot, TreeView } from '../tree/snapshot.js'
import { Leaves } from '../codes/leaves.js'
import { storedTableBytes, storedTensors } from '../tree/router.js'
import { checkZero, damaged } from './damage.js'
import { IdTable, type StringIds } from './ids.js'
import type { Pace } from './pace.js'

/**
 * Whether all components of rows are finite: `bytes` bytes at byte `offset` of the region, padding included.
 * Integer rows are never asked about.
 */
export type FiniteCheck = (type: RowType, offset: number, bytes: number) => boolean

/** Values handled between two looks at the clock. */
const BLOCK = 1 << 15
/** Bytes of rows checked in one call of a kernel. */
const ROW_BLOCK = 1 << 20
/** Products of tables and queries must stay far from the end of f32. */
const MODERATE = 1e30
/** The least number above 0 and the largest, of f32. */
const F32_LEAST = 2 ** -149
const F32_MOST = (2 - 2 ** -23) * 2 ** 127

/** A view of one section. */
type View = ArrayBufferView & { readonly BYTES_PER_ELEMENT: number }

/** The first byte of a row's padding that is not zero, or -1. */
function paddingOf(rows: Uint8Array, start: number, stride: number, type: KeptType, dim: number): number {
  if (type === 'i10') {
    for (let i = dim; i < rowRoom(type, dim); i++) if (stepAt(rows, start, i) !== 0) return start
    return -1
  }
  for (let i = start + dim * COMPONENT_BYTES[type]; i < start + stride; i++) if (rows[i] !== 0) return i
  return -1
}

/** Checks the content of each section, with turns of the event loop in between. */
class Verifier {
  readonly #snapshot: Snapshot
  readonly #base: number
  readonly #pace: Pace

  /** @param base - where the region starts in its buffer. */
  constructor(snapshot: Snapshot, base: number, pace: Pace) {
    this.#snapshot = snapshot
    this.#base = base
    this.#pace = pace
  }

  #refuse(section: string, message: string, view: View, index: number): never {
    throw damaged(`section ${section}: ${message}`, this.#place(view, index))
  }

  /** Byte of the file. */
  #place(view: View, index: number): number {
    return view.byteOffset - this.#base + view.BYTES_PER_ELEMENT * index
  }

  #zero(section: string, what: () => string, bytes: Uint8Array | Int8Array, from: number, to: number): void {
    checkZero(bytes, from, to, () => `section ${section}: ${what()}`, this.#place(bytes, 0))
  }

  /** Run `body` over [0, count) in blocks. */
  async #inBlocks(count: number, body: (start: number, end: number) => void, block = BLOCK): Promise<void> {
    for (let start = 0; start < count; start += block) {
      body(start, Math.min(count, start + block))
      await this.#pace.turn()
    }
  }

  /** All values are from `low` to `high`, in words `wanted`. */
  async #numbers(
    section: string,
    values: Float32Array | Float64Array,
    low: number,
    high: number,
    wanted: string,
  ): Promise<void> {
    await this.#inBlocks(values.length, (start, end) => {
      for (let i = start; i < end; i++) {
        const value = values[i]!
        if (!(value >= low && value <= high))
          this.#refuse(section, `float ${i} is ${value}, but must be ${wanted}`, values, i)
      }
    })
  }

  #moderate(section: string, values: Float32Array): Promise<void> {
    return this.#numbers(section, values, -MODERATE, MODERATE, `finite and at most ${MODERATE}`)
  }

  /** Rows are finite, and the padding of each row is zero. */
  async rows(finite: FiniteCheck): Promise<void> {
    const { rows, stride, size, rowType, dim } = this.#snapshot
    if (rowType === 'none') return
    const floating = rowType === 'f32' || rowType === 'f16'
    const checkRows = (start: number, end: number): void => {
      if (floating && !finite(rowType, this.#place(rows, start * stride), (end - start) * stride))
        this.#refuse('rows', `a component of rows ${start} to ${end - 1} is not finite`, rows, start * stride)
      for (let row = start; row < end; row++) {
        const at = paddingOf(rows, row * stride, stride, rowType, dim)
        if (at >= 0) this.#refuse('rows', `the padding of row ${row} is not zero`, rows, at)
      }
    }
    await this.#inBlocks(size, checkRows, Math.max(1, Math.floor(ROW_BLOCK / stride)))
  }

  /** What belongs to the index as a whole: reciprocal norms, units of steps, and what codes are made with. */
  async numbers(): Promise<void> {
    const { scales, units, mean, rotation, codebooks, rotated } = this.#snapshot
    await this.#numbers('scales', scales, F32_LEAST, F32_MOST, 'finite and above 0')
    await this.#moderate('units', units)
    await this.#moderate('mean', mean)
    await this.#moderate('rotation', rotation)
    await this.#moderate('codebooks', codebooks)
    if (!rotated && rotation.some((value) => value !== 0))
      this.#refuse('rotation', 'it is not zero, but meta says that nothing is rotated', rotation, 0)
  }

  /** Every row number below `size` stands once in `order`. */
  async order(): Promise<void> {
    const { order, size } = this.#snapshot
    const seen = new Uint8Array(order.length > 0 ? Math.ceil(size / 8) : 0)
    await this.#inBlocks(order.length, (start, end) => {
      for (let i = start; i < end; i++) {
        const row = order[i]!
        if (row >= size) this.#refuse('order', `position ${i} holds row ${row}, but there are ${size}`, order, i)
        const bit = 1 << (row & 7)
        if (seen[row >>> 3]! & bit) this.#refuse('order', `row ${row} has two positions, one of them ${i}`, order, i)
        seen[row >>> 3]! |= bit
      }
    })
  }

  /** Offsets rise from 0 to `last`. */
  async #offsets(section: string, offsets: Uint32Array, last: number): Promise<void> {
    await this.#inBlocks(offsets.length, (start, end) => {
      for (let i = start; i < end; i++) {
        const before = offsets[i - 1] ?? 0
        if (offsets[i]! < before) this.#refuse(section, `falls from ${before} to ${offsets[i]} at ${i}`, offsets, i)
      }
    })
    for (const [verb, i, wanted] of [
      ['start', 0, 0],
      ['end', offsets.length - 1, last],
    ] as const) {
      if (offsets[i] !== wanted)
        this.#refuse(section, `${verb}s with ${offsets[i]}, but must ${verb} with ${wanted}`, offsets, i)
    }
  }

  /** Every float table of a router holds moderate numbers, and zeros are in the padding of all. */
  async #router(section: string, bytes: Uint8Array): Promise<void> {
    const { router, shape, dim } = this.#snapshot
    let start = 0
    for (const tensor of storedTensors(router, shape, dim)) {
      const { name, rows, cols, type } = tensor
      const floats = type === 'f32' ? rows * cols : 0
      await this.#moderate(section, new Float32Array(bytes.buffer, bytes.byteOffset + start, floats))
      const end = start + storedTableBytes(tensor)
      this.#zero(section, () => `the padding of table ${name}`, bytes, start + (4 * floats || rows * cols), end)
      start = end
    }
  }

  /** What records say of their leaves is moderate; zeros are in the padding of centroids, and after the last record. */
  async #heads(section: string, bytes: Uint8Array, leaves: Leaves): Promise<void> {
    const { dim } = this.#snapshot
    await this.#inBlocks(leaves.count, (start, end) => {
      for (let leaf = start; leaf < end; leaf++) {
        const centroid = leaves.centroid(leaf)
        const [scale, bias] = [leaves.scale(leaf), leaves.bias(leaf)]
        if (!(Math.abs(scale) <= MODERATE && Math.abs(bias) <= MODERATE)) {
          const message = `scale and bias of leaf ${leaf} are ${scale} and ${bias}, but must be finite and at most ${MODERATE}`
          this.#refuse(section, message, centroid, 0)
        }
        this.#zero(section, () => `the padding of leaf ${leaf}'s centroid`, centroid, dim, centroid.length)
      }
    })
    this.#zero(section, () => 'a byte after the last leaf', bytes, leaves.start(leaves.count), bytes.length)
  }

  /** Each position is below `size`, at least once in the tree and at most once in a leaf. */
  async #positions(section: string, { leaves: bytes, leafOffsets }: TreeView, leaves: Leaves): Promise<void> {
    const { size, entryCount } = this.#snapshot
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    /** The last leaf, counted from 1, in which each position was met. */
    const met = new Uint32Array(size)
    let leaf = -1
    let last = 0
    let at = 0
    let distinct = 0
    await this.#inBlocks(entryCount, (start, end) => {
      for (let i = start; i < end; i++) {
        while (i >= last) {
          last = leafOffsets[++leaf + 1]!
          at = leaves.positionsAt(leaf)
        }
        const position = view.getUint32(at, true)
        if (position >= size)
          this.#refuse(section, `leaf ${leaf} holds position ${position}, but there are ${size} rows`, bytes, at)
        if (met[position] === leaf + 1)
          this.#refuse(section, `position ${position} stands twice in leaf ${leaf}`, bytes, at)
        if (met[position] === 0) distinct++
        met[position] = leaf + 1
        at += 4
      }
    })
    if (distinct < size) this.#refuse(section, `position ${met.indexOf(0)} stands in no leaf`, bytes, 0)
  }

  /** Router, leaf offsets and leaves of each tree. */
  async trees(): Promise<void> {
    const { tree, entryCount } = this.#snapshot
    for (const [number, view] of tree.entries()) {
      const title = (section: string): string => `${section} of tree ${number}`
      await this.#router(title('router'), view.router)
      await this.#offsets(title('leafOffsets'), view.leafOffsets, entryCount)
      const leaves = new Leaves(view, this.#snapshot)
      await this.#heads(title('leaves'), view.leaves, leaves)
      await this.#positions(title('leaves'), view, leaves)
    }
  }

  /** UTF-8 throughout, and no id starts within a character: so each id is well-formed by itself. */
  async #text({ offsets, bytes }: StringIds): Promise<void> {
    await this.#offsets('idOffsets', offsets, bytes.length)
    await this.#inBlocks(offsets.length - 1, (start, end) => {
      for (let row = start; row < end; row++) {
        if (((bytes[offsets[row]!] ?? 0) & 0xc0) === 0x80)
          this.#refuse('idOffsets', `id ${row} starts within a character`, offsets, row)
      }
    })
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    await this.#inBlocks(bytes.length, (start, end) => {
      try {
        // A copy, since browsers decode no view of shared memory.
        decoder.decode(bytes.slice(start, end), { stream: end < bytes.length })
      } catch {
        this.#refuse('idBytes', `bytes ${start} to ${end - 1} are not UTF-8`, bytes, start)
      }
    })
  }

  /** Ids are of their kind and each stands once. */
  async ids(): Promise<void> {
    const { ids } = this.#snapshot
    if (ids === undefined) return
    const text = !ArrayBuffer.isView(ids)
    if (text) await this.#text(ids)
    else if (ids[Symbol.toStringTag] === 'Float64Array')
      await this.#numbers('ids', ids as Float64Array, -Number.MAX_VALUE, Number.MAX_VALUE, 'finite')
    await IdTable.build(ids, this.#pace, (row, first) => {
      const message = `section ${text ? 'idOffsets' : 'ids'}: rows ${first} and ${row} have the same id`
      return damaged(message, this.#place(text ? ids.offsets : ids, row))
    })
  }
}

/**
 * Check the content of all sections but `meta`.
 * @param base - where the region starts in its buffer.
 * @throws {FormatError} BATL_FORMAT with the byte at which the damage shows.
 */
export async function verifySnapshot(snapshot: Snapshot, base: number, finite: FiniteCheck, pace: Pace): Promise<void> {
  const verifier = new Verifier(snapshot, base, pace)
  await verifier.rows(finite)
  await verifier.numbers()
  await verifier.order()
  await verifier.ids()
  await verifier.trees()
}
