import type { Router } from '../base/options.js'
import type { Arena } from '../kernels/memory.js'
import type { KernelExports } from '../kernels/kernels.js'
import {
  padded,
  paddedBytes,
  QUERY_STEPS,
  RESIDUAL_HIDDEN,
  routerTensors,
  SEQ2SEQ,
  storedTableBytes,
  storedTensors,
  tableFloats,
} from '../tree/router.js'
import type { TreeShape } from '../tree/shape.js'

/** What fixes the tables of a router. */
export interface ModelShape {
  readonly kind: Router
  readonly shape: TreeShape
  readonly dim: number
  /** As an index stores the tables (`storedTensors`), or as they are trained (`routerTensors`). */
  readonly form: 'stored' | 'trained'
}

/**
 * One tree's router over tables in an arena: from a query to leaves, best first.
 *
 * The scratch holds, one after the other, every part 64-byte aligned:
 * ```
 * | root | hidden | z | integers | nodes | next | scores | chosen | best | select | leaves | (seq2seq) x, z, f of each prefix, logits |
 * ```
 * It is sized for the widest beam, all nodes, so that no call allocates.
 */
export class RouteModel {
  readonly #kernels: KernelExports
  readonly #arena: Arena
  readonly #kind: Router
  readonly #shape: TreeShape
  readonly #dim: number
  readonly #width: number
  /** Whether nodes are rows of 8-bit steps. */
  readonly #steps: boolean
  /** Step of the integer form of what the levels score. */
  #unit = 0
  readonly #tables = new Map<string, number>()
  /** Addresses by level: rows, biases, and, of 8-bit rows, scales. */
  readonly #levels: readonly number[]
  readonly #biases: readonly number[]
  readonly #scales: readonly number[]
  /** Leaves below each node of a level. */
  readonly #below: readonly number[]
  readonly #at: Record<
    'root' | 'hidden' | 'z' | 'integers' | 'nodes' | 'next' | 'scores' | 'chosen' | 'best' | 'select',
    number
  >
  readonly #prefixes: Record<'x' | 'z' | 'f' | 'hidden' | 'logits', number> | undefined
  /** Address of the leaves of the last route, u32, ascending. */
  leaves: number
  /** Nodes scored by the last route. */
  nodesScored = 0

  /**
   * @param tables - address of the router's tables, in the layout of `routerTensors`.
   * @param scratch - address of `RouteModel.scratchBytes(...)` bytes.
   */
  constructor(arena: Arena, model: ModelShape, tables: number, scratch: number) {
    this.#arena = arena
    this.#kernels = arena.kernels
    this.#kind = model.kind
    this.#shape = model.shape
    this.#dim = model.dim
    this.#width = padded(model.dim)
    this.#steps = model.form === 'stored' && model.kind !== 'seq2seq'
    let table = tables
    for (const { name, bytes } of tablesOf(model)) {
      this.#tables.set(name, table)
      table += bytes
    }
    const levels = model.shape.arities.map((_, level) => level)
    this.#levels = levels.map((level) => this.#tables.get(`level ${level}`) ?? 0)
    this.#biases = levels.map((level) => this.#tables.get(`bias ${level}`) ?? 0)
    this.#scales = levels.map((level) => this.#tables.get(`scale ${level}`) ?? 0)
    this.#below = model.shape.nodeCounts.map((nodes) => model.shape.leafCount / nodes)
    const parts = scratchParts(arena.kernels, model)
    let address = scratch
    const take = (name: keyof typeof parts): number => {
      const at = address
      address += parts[name]
      return at
    }
    this.#at = {
      root: take('root'),
      hidden: take('hidden'),
      z: take('z'),
      integers: take('integers'),
      nodes: take('nodes'),
      next: take('next'),
      scores: take('scores'),
      chosen: take('chosen'),
      best: take('best'),
      select: take('select'),
    }
    this.leaves = take('leaves')
    this.#prefixes =
      model.kind === 'seq2seq'
        ? { x: take('px'), z: take('pz'), f: take('pf'), hidden: take('ph'), logits: take('logits') }
        : undefined
  }

  /** Address of the scores of the last route's leaves, f32. */
  get leafScores(): number {
    return this.#at.best
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
    this.#kernels.dots(x, cols * 4, count, this.#table(name), cols * 4, rows, cols, bias, relu, out)
  }

  /** Encode the query at `query` (f32, padded); returns the address of what the levels score. */
  #encode(query: number): number {
    const encoded = this.#encodeFloats(query)
    if (this.#steps) this.#unit = this.#kernels.quantize(encoded, this.#dim, QUERY_STEPS, this.#at.integers)
    return encoded
  }

  #encodeFloats(query: number): number {
    const { hidden, z } = this.#at
    if (this.#kind === 'linear') return query
    if (this.#kind === 'residual') {
      const width = this.#width
      this.#affine('encoder in', query, [RESIDUAL_HIDDEN, width], 1, hidden)
      this.#affine('encoder out', hidden, [width, RESIDUAL_HIDDEN], 0, z)
      const sum = this.#arena.f32(z, width)
      const raw = this.#arena.f32(query, width)
      for (let i = 0; i < width; i++) sum[i]! += raw[i]!
      return z
    }
    const d = SEQ2SEQ.width
    this.#affine('encoder in', query, [SEQ2SEQ.hidden, this.#width], 1, hidden)
    this.#affine('encoder out', hidden, [d, SEQ2SEQ.hidden], 0, hidden + SEQ2SEQ.hidden * 4)
    this.#affine('cross', hidden + SEQ2SEQ.hidden * 4, [d, d], 0, z)
    return z
  }

  /**
   * Score the children of `count` nodes of the level above into a grid [count * arity] at `out`.
   * @param parentScores - seq2seq: their path scores, f32 [count].
   */
  #scoreLevel(level: number, z: number, nodes: number, count: number, parentScores: number, out: number): void {
    const arity = this.#shape.arities[level]!
    this.nodesScored += count * arity
    const prefixes = this.#prefixes
    if (prefixes === undefined) {
      const width = this.#width
      const bias = this.#biases[level]!
      const rows = this.#levels[level]!
      if (!this.#steps) this.#kernels.scoreChildren(z, width, rows, width * 4, bias, nodes, count, arity, out)
      else {
        const scales = this.#scales[level]!
        const stride = paddedBytes(this.#dim)
        const { integers } = this.#at
        this.#kernels.scoreChildrenInt(
          integers,
          this.#unit,
          this.#dim,
          rows,
          stride,
          scales,
          bias,
          nodes,
          count,
          arity,
          out,
        )
      }
      return
    }
    const { width: d, feedForward } = SEQ2SEQ
    const first = level === 0 ? 0 : 1 + this.#shape.nodeCounts.slice(0, level - 1).reduce((sum, n) => sum + n, 0)
    const memory = this.#arena.u8(0, this.#arena.memory.buffer.byteLength)
    const ids = this.#arena.u32(nodes, count)
    for (let i = 0; i < count; i++) {
      const row = this.#table('prefix') + (first + ids[i]!) * d * 4
      memory.copyWithin(prefixes.x + i * d * 4, row, row + d * 4)
    }
    const headRows = Math.max(...this.#shape.arities)
    this.#kernels.addNorm(prefixes.x, d * 4, z, 0, this.#table('norm1'), d, count, prefixes.z, d * 4)
    this.#affine('ffn in', prefixes.z, [feedForward, d], 1, prefixes.hidden, count)
    this.#affine('ffn out', prefixes.hidden, [d, feedForward], 0, prefixes.f, count)
    this.#kernels.addNorm(prefixes.z, d * 4, prefixes.f, d * 4, this.#table('norm2'), d, count, prefixes.x, d * 4)
    this.#affine('head', prefixes.x, [headRows, d], 0, prefixes.logits, count)
    this.#kernels.addLogSoftmax(prefixes.logits, headRows, arity, count, parentScores, out)
  }

  /**
   * Beam search from the root: the best `probes` leaves, ascending, as they lie in memory, at `this.leaves`.
   * @param query - address of the routing query, f32 [padded(dim)], unit length for ip and cosine.
   * @param beamWidth - nodes kept at each level above the leaves; widened where `probes` needs it.
   * @returns how many leaves there are: min(probes, leafCount).
   */
  route(query: number, probes: number, beamWidth: number): number {
    const { arities } = this.#shape
    const { scores, chosen, best, select, root } = this.#at
    let { next } = this.#at
    // The root is node 0 with a path score of 0.
    let nodes = root
    this.nodesScored = 0
    const z = this.#encode(query)
    let count = 1
    for (let level = 0; level < arities.length; level++) {
      const arity = arities[level]!
      const last = level === arities.length - 1
      this.#scoreLevel(level, z, nodes, count, level === 0 ? root : best, scores)
      const width = last ? probes : Math.max(beamWidth, Math.ceil(probes / this.#below[level]!))
      const kept = this.#kernels.selectBest(scores, count * arity, width, select, chosen, best)
      const out = last ? this.leaves : next
      this.#kernels.expandChildren(nodes, count, arity, chosen, kept, out)
      count = kept
      if (last) break
      // Ascending, as places are: so ties of the next level, too, go to the lower node.
      nodes = next
      next = next === this.#at.next ? this.#at.nodes : this.#at.next
    }
    return count
  }

  /** The best node below the root. */
  firstNode(query: number): number {
    const scores = this.#arena.f32(this.scoreNode(query, 0, 0), this.#shape.arities[0]!)
    let best = 0
    for (let node = 1; node < scores.length; node++) if (scores[node]! > scores[best]!) best = node
    return best
  }

  /**
   * Score every leaf, without a beam, by the tables in trained form.
   * @returns address of f32 [leafCount], valid until the next call.
   */
  scoreLeaves(query: number): number {
    const { arities, nodeCounts, leafCount } = this.#shape
    const { nodes, scores, best } = this.#at
    this.nodesScored = 0
    const z = this.#encode(query)
    if (this.#prefixes === undefined) {
      const level = arities.length - 1
      const width = this.#width
      this.nodesScored = leafCount
      this.#kernels.dots(
        z,
        width * 4,
        1,
        this.#table(`level ${level}`),
        width * 4,
        leafCount,
        width,
        this.#table(`bias ${level}`),
        0,
        scores,
      )
      return scores
    }
    this.#arena.f32(best, 1)[0] = 0
    for (let level = 0; level < arities.length; level++) {
      const count = level === 0 ? 1 : nodeCounts[level - 1]!
      const ids = this.#arena.u32(nodes, count)
      for (let i = 0; i < count; i++) ids[i] = i
      if (level > 0) this.#arena.f32(best, count).set(this.#arena.f32(scores, count))
      this.#scoreLevel(level, z, nodes, count, best, scores)
    }
    return scores
  }

  /**
   * Score the children of one node, for a tree update that goes layer by layer.
   * @param node - its number within level `level` - 1 (0 for the root).
   * @returns address of f32 [arity], valid until the next call; comparable among these children alone.
   */
  scoreNode(query: number, level: number, node: number): number {
    const { nodes, scores, best } = this.#at
    const z = this.#encode(query)
    this.#arena.u32(nodes, 1)[0] = node
    this.#arena.f32(best, 1)[0] = 0
    this.#scoreLevel(level, z, nodes, 1, best, scores)
    return scores
  }
}

/** Tables of a router in their order, with the bytes of each. */
function tablesOf({ kind, shape, dim, form }: ModelShape): { name: string; bytes: number }[] {
  if (form === 'stored') {
    return storedTensors(kind, shape, dim).map((table) => ({ name: table.name, bytes: storedTableBytes(table) }))
  }
  return routerTensors(kind, shape, dim).map(({ name, rows, cols }) => ({ name, bytes: tableFloats(rows, cols) * 4 }))
}

/** Bytes of each part of the scratch, in order, multiples of 64. */
function scratchParts(kernels: KernelExports, { kind, shape, dim }: ModelShape) {
  const bytes = (floats: number): number => (floats * 4 + 63) & ~63
  const nodes = bytes(shape.leafCount)
  const parts = {
    root: 64,
    hidden: bytes(kind === 'seq2seq' ? SEQ2SEQ.hidden + SEQ2SEQ.width : RESIDUAL_HIDDEN),
    z: bytes(Math.max(padded(dim), SEQ2SEQ.width)),
    integers: bytes(((dim + 15) & ~15) / 2),
    nodes,
    next: nodes,
    scores: nodes,
    chosen: nodes,
    best: nodes,
    select: bytes(kernels.selectBytes(shape.leafCount, shape.leafCount) / 4),
    leaves: nodes,
    px: 0,
    pz: 0,
    pf: 0,
    ph: 0,
    logits: 0,
  }
  if (kind !== 'seq2seq') return parts
  const prefixes = Math.max(1, shape.leafCount / shape.arities.at(-1)!)
  const { width: d, feedForward } = SEQ2SEQ
  return {
    ...parts,
    px: bytes(prefixes * d),
    pz: bytes(prefixes * d),
    pf: bytes(prefixes * d),
    ph: bytes(prefixes * feedForward),
    logits: bytes(prefixes * Math.max(...shape.arities)),
  }
}
