import type { Rng } from '../base/rng.js'
import { SEQ2SEQ } from '../tree/router.js'
import type { TreeShape } from '../tree/shape.js'
import { atPosition, attend, dense, layerNorm, makePick, pickRows, plus, stackRows } from './layers.js'
import type { Pick } from './layers.js'
import type { Tensor, Tensor1D, Tensor2D, Trainer } from './tf.js'

/** One trainable array: `[rows, cols]`, or `[cols]` where rows is 0, and what it starts as. */
export interface Parameter {
  readonly name: string
  readonly rows: number
  readonly cols: number
  readonly start: 'uniform' | 'normal' | 'ones' | 'zeros'
  /** Half width of `uniform`, standard deviation of `normal`. */
  readonly spread: number
}

/** Trainable tensors by name. */
export type Weights = ReadonlyMap<string, Tensor>

/** The published network's parameters. Matrices are `[in, out]`: rows of inputs stand on their left. */
export function seq2seqParameters(shape: TreeShape, dim: number): Parameter[] {
  const { hidden, width, feedForward } = SEQ2SEQ
  const spread = 1 / Math.sqrt(width)
  const affine = (name: string, rows: number, cols: number): Parameter[] => [
    { name, rows, cols, start: 'uniform', spread: 1 / Math.sqrt(rows) },
    { name: `${name} bias`, rows: 0, cols, start: 'zeros', spread: 0 },
  ]
  const norm = (name: string): Parameter[] => [
    { name: `${name} gain`, rows: 0, cols: width, start: 'ones', spread: 0 },
    { name: `${name} shift`, rows: 0, cols: width, start: 'zeros', spread: 0 },
  ]
  const embedding = (name: string, rows: number): Parameter => ({ name, rows, cols: width, start: 'normal', spread })
  const inner = shape.arities.slice(0, -1)
  return [
    ...affine('encoder in', dim, hidden),
    ...affine('encoder out', hidden, width),
    embedding('begin', 1),
    // A tree of one level has no prefix but the root's, and so no branch tokens.
    ...(inner.length > 0 ? [embedding('tokens', Math.max(...inner))] : []),
    embedding('positions', shape.arities.length),
    ...['self query', 'self key', 'self value', 'self out'].flatMap((name) => affine(name, width, width)),
    ...norm('norm0'),
    ...['cross value', 'cross out'].flatMap((name) => affine(name, width, width)),
    ...norm('norm1'),
    ...affine('ffn in', width, feedForward),
    ...affine('ffn out', feedForward, width),
    ...norm('norm2'),
    ...affine('head', width, Math.max(...shape.arities)),
  ]
}

/** Random start of every parameter, in the order of `seq2seqParameters`. */
export function startParameters(parameters: readonly Parameter[], rng: Rng): Float32Array[] {
  return parameters.map(({ rows, cols, start, spread }) => {
    const values = new Float32Array(Math.max(1, rows) * cols)
    if (start === 'ones') return values.fill(1)
    if (start === 'uniform') return values.map(() => (2 * rng.uniform() - 1) * spread)
    return start === 'normal' ? values.map(() => rng.normal() * spread) : values
  })
}

/** The network's layers over one set of weights. */
export class Seq2seqModel {
  readonly #trainer: Trainer
  readonly #weights: Weights
  readonly #depth: number

  constructor(trainer: Trainer, weights: Weights, depth: number) {
    this.#trainer = trainer
    this.#weights = weights
    this.#depth = depth
  }

  /** The memory token of each normalised query: `[count, dim]` to `[count, width]`. */
  encode(queries: Tensor2D): Tensor2D {
    return this.#affine('encoder out', this.#affine('encoder in', queries, true))
  }

  /**
   * Cross-attention to a memory of one token. Its softmax has one entry, 1, whatever its queries and keys: those matrices
   * would get no gradient and change no output, so the model does without them.
   */
  attendMemory(memory: Tensor2D): Tensor2D {
    return this.#affine('cross out', this.#affine('cross value', memory))
  }

  /** Queries, keys and values of every token at every position, from which the rows of `attendPrefixes` are picked. */
  projectTokens(): TokenTables {
    const positions = Array.from({ length: this.#depth }, (_, position) => {
      const table = this.#get2d(position === 0 ? 'begin' : 'tokens')
      return atPosition(this.#trainer, table, this.#get2d('positions'), position)
    })
    const tokens = stackRows(this.#trainer, positions)
    return {
      tokens,
      queries: this.#affine('self query', tokens),
      keys: this.#affine('self key', tokens),
      values: this.#affine('self value', tokens),
    }
  }

  /**
   * Causal self-attention at the last position of each prefix, its residual and norm: all that the network makes of a prefix
   * before it meets the query. Earlier positions only feed it keys and values, which one layer takes from the tokens.
   * @param picks - for each position from BOS on, the rows' entries in the token tables.
   * @returns `[rows, width]`
   */
  attendPrefixes({ tokens, queries, keys, values }: TokenTables, picks: readonly Pick[]): Tensor2D {
    const picked = (table: Tensor2D, pick: Pick): Tensor2D => pickRows(this.#trainer, table, pick)
    const last = picks.at(-1)!
    const mixed = attend(
      this.#trainer,
      SEQ2SEQ.heads,
      picked(queries, last),
      picks.map((pick) => picked(keys, pick)),
      picks.map((pick) => picked(values, pick)),
    )
    return this.#norm('norm0', plus(this.#trainer, picked(tokens, last), this.#affine('self out', mixed)))
  }

  /** From a prefix row and the cross-attention beside it to logits: `[rows, width]` twice to `[rows, largest arity]`. */
  decode(prefixes: Tensor2D, crossed: Tensor2D): Tensor2D {
    const z = this.#norm('norm1', plus(this.#trainer, prefixes, crossed))
    const fed = this.#affine('ffn out', this.#affine('ffn in', z, true))
    return this.#affine('head', this.#norm('norm2', plus(this.#trainer, z, fed)))
  }

  #affine(name: string, x: Tensor2D, rectify = false): Tensor2D {
    return dense(this.#trainer, x, [this.#get2d(name), this.#get1d(`${name} bias`)], rectify)
  }

  #norm(name: string, x: Tensor2D): Tensor2D {
    return layerNorm(this.#trainer, x, [this.#get1d(`${name} gain`), this.#get1d(`${name} shift`)])
  }

  #get1d(name: string): Tensor1D {
    return this.#weights.get(name) as Tensor1D
  }

  #get2d(name: string): Tensor2D {
    return this.#weights.get(name) as Tensor2D
  }
}

/** Each `[1 + (depth - 1) * largest inner arity, width]`: BOS at position 0, then every branch at position 1, at 2, ... */
export interface TokenTables {
  tokens: Tensor2D
  queries: Tensor2D
  keys: Tensor2D
  values: Tensor2D
}

/**
 * Picks that spell out prefixes of one length as rows of the token tables.
 * @param nodes - nodes of level `length - 1` (all 0, the root, for length 0).
 */
export function prefixPicks(trainer: Trainer, shape: TreeShape, length: number, nodes: ArrayLike<number>): Pick[] {
  const inner = shape.arities.slice(0, -1)
  const tokenCount = Math.max(0, ...inner)
  const tableRows = 1 + inner.length * tokenCount
  return Array.from({ length: length + 1 }, (_, position) => {
    const below = position === 0 ? 1 : shape.nodeCounts[length - 1]! / shape.nodeCounts[position - 1]!
    const index = Array.from(nodes, (node) => {
      if (position === 0) return 0
      return 1 + (position - 1) * tokenCount + (Math.floor(node / below) % shape.arities[position - 1]!)
    })
    return makePick(trainer, index, tableRows)
  })
}
