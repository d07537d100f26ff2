import { align64 } from '../base/align.js'
import type { Router } from '../base/options.js'
import type { Arena } from '../kernels/memory.js'
import type { KernelExports } from '../kernels/kernels.js'
import {
  padded,
  paddedBytes,
  QUERY_STEPS,
  RESIDUAL_HIDDEN,
  SEQ2SEQ,
  storedTableBytes,
  storedTensors,
} from '../tree/router.js'
import type { TreeShape } from '../tree/shape.js'
import type { SearchEffort } from '../tree/snapshot.js'

/** What a route costs. */
export type RouteEffort = Omit<SearchEffort, 'rerank'>

/** What fixes the tables of a router. */
export interface ModelShape {
  readonly kind: Router
  readonly shape: TreeShape
  readonly dim: number
}

/** A table of a router, and how many bytes it takes. */
export interface RouterTable {
  readonly name: string
  readonly bytes: number
}

/**
 * One tree's router over tables in an arena, in the form that an index stores: from a query to leaves, best first.
 *
 * The scratch holds, one after the other, every part 64-byte aligned:
 * ```
 * | root | hidden | z | integers | nodes | next | scores | chosen | best | select | leaves | (seq2seq) x, z, f of each prefix, logits |
 * ```
 * It is sized for the widest beam, all nodes, so that no call allocates.
 */
export class RouteModel {
  protected readonly kernels: KernelExports
  protected readonly arena: Arena
  readonly #kind: Router
  protected readonly shape: TreeShape
  readonly #dim: number
  protected readonly width: number
  /** Step of the integer form of what the levels score. */
  #unit = 0
  readonly #tables = new Map<string, number>()
  /** Addresses by level: rows, biases, and, of 8-bit rows, scales. */
  protected readonly levels: readonly number[]
  protected readonly biases: readonly number[]
  readonly #scales: readonly number[]
  /** Leaves below each node of a level. */
  readonly #below: readonly number[]
  /** Addresses of the parts of the scratch. */
  protected readonly at: Readonly<Record<Part, number>>
  /** Address of the leaves of the last route, u32, ascending. */
  readonly leaves: number
  /** Nodes scored by the last route. */
  nodesScored = 0

  /**
   * @param tables - address of the router's tables.
   * @param scratch - address of `RouteModel.scratchBytes(...)` bytes.
   * @param layout - the tables in their order.
   */
  constructor(arena: Arena, model: ModelShape, tables: number, scratch: number, layout = storedTables(model)) {
    this.arena = arena
    this.kernels = arena.kernels
    this.#kind = model.kind
    this.shape = model.shape
    this.#dim = model.dim
    this.width = padded(model.dim)
    let table = tables
    for (const { name, bytes } of layout) {
      this.#tables.set(name, table)
      table += bytes
    }
    const addresses = (of: string): number[] =>
      model.shape.arities.map((_, level) => this.#tables.get(`${of} ${level}`) ?? 0)
    this.levels = addresses('level')
    this.biases = addresses('bias')
    this.#scales = addresses('scale')
    this.#below = model.shape.nodeCounts.map((nodes) => model.shape.leafCount / nodes)
    let address = scratch
    const parts = Object.entries(scratchParts(arena.kernels, model)).map(([name, bytes]) => [
      name,
      (address += bytes) - bytes,
    ])
    this.at = Object.fromEntries(parts) as Record<Part, number>
    this.leaves = this.at.leaves
  }

  /** Address of the scores of the last route's leaves, f32. */
  get leafScores(): number {
    return this.at.best
  }

  /** Bytes of scratch that a model needs. */
  static scratchBytes(kernels: KernelExports, model: ModelShape): number {
    return Object.values(scratchParts(kernels, model)).reduce((sum, bytes) => sum + bytes, 0)
  }

  #table(name: string): number {
    return this.#tables.get(name)!
  }

  /** out [rows] = table . x + bias. */
  #affine(
    name: string,
    x: number,
    shape: readonly [rows: number, cols: number],
    relu: number,
    out: number,
    count = 1,
  ): void {
    const [rows, cols] = shape
    const bias = this.#table(`${name} bias`)
    this.kernels.dots(x, cols * 4, count, this.#table(name), cols * 4, rows, cols, bias, relu, out)
  }

  /** Encode the query at `query` (f32, padded); returns the address of what the levels score. */
  protected encode(query: number): number {
    const encoded = this.#encodeFloats(query)
    if (this.#kind !== 'seq2seq') this.quantize(encoded)
    return encoded
  }

  /** Make the integer form of what the levels score. */
  protected quantize(z: number): void {
    this.#unit = this.kernels.quantize(z, this.#dim, QUERY_STEPS, this.at.integers)
  }

  #encodeFloats(query: number): number {
    const { hidden, z } = this.at
    if (this.#kind === 'linear') return query
    if (this.#kind === 'residual') {
      const width = this.width
      this.#affine('encoder in', query, [RESIDUAL_HIDDEN, width], 1, hidden)
      this.#affine('encoder out', hidden, [width, RESIDUAL_HIDDEN], 0, z)
      const sum = this.arena.f32(z, width)
      const raw = this.arena.f32(query, width)
      for (let i = 0; i < width; i++) sum[i]! += raw[i]!
      return z
    }
    const d = SEQ2SEQ.width
    this.#affine('encoder in', query, [SEQ2SEQ.hidden, this.width], 1, hidden)
    this.#affine('encoder out', hidden, [d, SEQ2SEQ.hidden], 0, hidden + SEQ2SEQ.hidden * 4)
    this.#affine('cross', hidden + SEQ2SEQ.hidden * 4, [d, d], 0, z)
    return z
  }

  /**
   * Score the children of `count` nodes of the level above into a grid [count * arity] at `out`.
   * @param parentScores - seq2seq: their path scores, f32 [count].
   */
  protected scoreLevel(
    level: number,
    z: number,
    nodes: number,
    count: number,
    parentScores: number,
    out: number,
  ): void {
    const arity = this.shape.arities[level]!
    this.nodesScored += count * arity
    if (this.#kind !== 'seq2seq') {
      this.scoreFromTables(level, z, nodes, count, out)
      return
    }
    const { width: d, feedForward } = SEQ2SEQ
    const first = level === 0 ? 0 : 1 + this.shape.nodeCounts.slice(0, level - 1).reduce((sum, n) => sum + n, 0)
    const { px, pz, pf, ph, logits } = this.at
    const memory = this.arena.u8(0, this.arena.memory.buffer.byteLength)
    const ids = this.arena.u32(nodes, count)
    for (let i = 0; i < count; i++) {
      const row = this.#table('prefix') + (first + ids[i]!) * d * 4
      memory.copyWithin(px + i * d * 4, row, row + d * 4)
    }
    const headRows = Math.max(...this.shape.arities)
    this.kernels.addNorm(px, d * 4, z, 0, this.#table('norm1'), d, count, pz, d * 4)
    this.#affine('ffn in', pz, [feedForward, d], 1, ph, count)
    this.#affine('ffn out', ph, [d, feedForward], 0, pf, count)
    this.kernels.addNorm(pz, d * 4, pf, d * 4, this.#table('norm2'), d, count, px, d * 4)
    this.#affine('head', px, [headRows, d], 0, logits, count)
    this.kernels.addLogSoftmax(logits, headRows, arity, count, parentScores, out)
  }

  /** Score children whose rows are in the tables themselves: their nodes are 8-bit steps. */
  protected scoreFromTables(level: number, _: number, nodes: number, count: number, out: number): void {
    const { integers } = this.at
    const rows = this.levels[level]!
    const scales = this.#scales[level]!
    const bias = this.biases[level]!
    const stride = paddedBytes(this.#dim)
    const arity = this.shape.arities[level]!
    const { kernels } = this
    kernels.scoreChildrenInt(integers, this.#unit, this.#dim, rows, stride, scales, bias, nodes, count, arity, out)
  }

  /**
   * Beam search from the root: the best `probes` leaves within reach, ascending, as they lie in memory, at `this.leaves`.
   * `beamWidth` nodes within reach are kept at each level above; more where `probes` needs them.
   * @param query - address of the routing query, f32 [padded(dim)], unit length for ip and cosine.
   * @param arities - of the levels that are searched: of fewer than there are the best nodes of the last one are found.
   * @returns how many leaves there are: at most min(probes, leafCount).
   */
  route(query: number, effort: RouteEffort, arities = this.shape.arities): number {
    const { probes, beamWidth, leafReach, beamReach } = effort
    const { scores, chosen, best, select, root, next } = this.at
    // The root is node 0 with a path score of 0.
    let nodes = root
    let count = 1
    this.nodesScored = 0
    const z = this.encode(query)
    for (let level = 0; level < arities.length; level++) {
      const arity = arities[level]!
      const last = level === arities.length - 1
      this.scoreLevel(level, z, nodes, count, level === 0 ? root : best, scores)
      const width = last ? probes : Math.max(beamWidth, Math.ceil(probes / this.#below[level]!))
      const reach = last ? leafReach : beamReach
      let kept = this.kernels.selectBest(scores, count * arity, width, select, chosen, best)
      if (reach) kept = this.kernels.keepNear(chosen, best, kept, reach)
      // Ascending, as places are: so ties of the next level, too, go to the lower node.
      const out = last ? this.leaves : nodes === next ? this.at.nodes : next
      this.kernels.expandChildren(nodes, count, arity, chosen, kept, out)
      nodes = out
      count = kept
    }
    return count
  }
}

/** Tables of a stored router in their order. */
function storedTables({ kind, shape, dim }: ModelShape): RouterTable[] {
  return storedTensors(kind, shape, dim).map((table) => ({ name: table.name, bytes: storedTableBytes(table) }))
}

type Part =
  | ('root' | 'hidden' | 'z' | 'integers' | 'nodes' | 'next' | 'scores' | 'chosen' | 'best' | 'select' | 'leaves')
  | ('px' | 'pz' | 'pf' | 'ph' | 'logits')

/** Bytes of each part of the scratch, in order, multiples of 64. */
function scratchParts(kernels: KernelExports, { kind, shape, dim }: ModelShape): Record<Part, number> {
  const bytes = (floats: number): number => align64(floats * 4)
  const nodes = bytes(shape.leafCount)
  const { hidden, width: d, feedForward } = SEQ2SEQ
  const decodes = kind === 'seq2seq'
  const prefixes = decodes ? Math.max(1, shape.leafCount / shape.arities.at(-1)!) : 0
  return {
    root: 64,
    hidden: bytes(decodes ? hidden + d : RESIDUAL_HIDDEN),
    z: bytes(Math.max(padded(dim), d)),
    integers: bytes(((dim + 15) & ~15) / 2),
    nodes,
    next: nodes,
    // Scores are written four at a time.
    scores: nodes + 64,
    chosen: nodes,
    best: nodes,
    select: align64(kernels.selectBytes(shape.leafCount, shape.leafCount)),
    leaves: nodes,
    px: bytes(prefixes * d),
    pz: bytes(prefixes * d),
    pf: bytes(prefixes * d),
    ph: bytes(prefixes * feedForward),
    logits: bytes(prefixes * Math.max(...shape.arities)),
  }
}
