import { routerTensors, routerViews } from '../../build/tree/router.js'
import type { TreeShape } from '../../build/tree/shape.js'

type Tables = ReadonlyMap<string, ArrayLike<number>>
type Rows = Readonly<Record<string, ArrayLike<number>>>

/** `[out, in]` rows times x plus a bias, in f64; `stride` floats from row to row. */
function affine(rows: ArrayLike<number>, bias: ArrayLike<number>, x: readonly number[]): number[] {
  const stride = rows.length / bias.length
  return Array.from(bias, (start, row) => x.reduce((sum, value, i) => sum + rows[row * stride + i]! * value, start))
}

/** x times an `[in, out]` matrix plus a bias, in f64. */
function project(weights: Rows, name: string, x: readonly number[]): number[] {
  const sums = Array.from(weights[`${name} bias`]!)
  const matrix = weights[name]!
  x.forEach((value, i) => sums.forEach((_, o) => (sums[o]! += value * matrix[i * sums.length + o]!)))
  return sums
}

const relu = (x: readonly number[]): number[] => x.map((value) => Math.max(0, value))
const add = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value + b[i]!)
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0)

function norm(x: readonly number[], gain: ArrayLike<number>, shift: ArrayLike<number>): number[] {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length
  return x.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * gain[i]! + shift[i]!)
}

function softmax(x: readonly number[]): number[] {
  const top = Math.max(...x)
  const parts = x.map((value) => Math.exp(value - top))
  const sum = parts.reduce((a, b) => a + b, 0)
  return parts.map((part) => part / sum)
}

const normRows = (tables: Tables, name: string, x: readonly number[]): number[] => {
  const rows = Array.from(tables.get(name)!)
  return norm(x, rows.slice(0, x.length), rows.slice(x.length))
}

/** Scores of every node of one level by the formulas of src/tree/router.ts, from tables, in f64. */
export function levelScores(
  kind: 'linear' | 'residual',
  shape: TreeShape,
  tables: Float32Array,
  level: number,
  query: ArrayLike<number>,
): number[] {
  const views = routerViews(routerTensors(kind, shape, query.length), tables)
  let z = Array.from(query)
  if (kind === 'residual') {
    const hidden = relu(affine(views.get('encoder in')!, views.get('encoder in bias')!, z))
    z = add(z, affine(views.get('encoder out')!, views.get('encoder out bias')!, hidden).slice(0, z.length))
  }
  return affine(views.get(`level ${level}`)!, views.get(`bias ${level}`)!, z)
}

/** Logits of a prefix by the formulas of src/tree/router.ts, from collapsed tables, in f64. */
export function collapsedLogits(
  shape: TreeShape,
  tables: Float32Array,
  query: ArrayLike<number>,
  prefix: number,
): number[] {
  const views = routerViews(routerTensors('seq2seq', shape, query.length), tables)
  const layer = (name: string, x: readonly number[]): number[] =>
    affine(views.get(name)!, views.get(`${name} bias`)!, x)
  const encoded = layer('encoder out', relu(layer('encoder in', Array.from(query))))
  const crossed = layer('cross', encoded)
  const row = Array.from(views.get('prefix')!.subarray(prefix * crossed.length, (prefix + 1) * crossed.length))
  const z = normRows(views, 'norm1', add(row, crossed))
  return layer('head', normRows(views, 'norm2', add(z, layer('ffn out', relu(layer('ffn in', z))))))
}

/**
 * A textbook Transformer decoder layer in f64: post-norm, every position computed, masked self-attention of 8 heads,
 * cross-attention with query and key matrices of its own, drawn at random, since with one memory token they cannot matter.
 * @param branches - the path so far.
 * @param input - the normalised query.
 */
export function decoderLogits(
  weights: Rows,
  branches: readonly number[],
  input: readonly number[],
  noise: () => number,
): number[] {
  const heads = 8
  const row = (name: string, at: number): number[] => {
    const width = weights['self query bias']!.length
    return Array.from({ length: width }, (_, i) => weights[name]![at * width + i]!)
  }
  const memory = project(weights, 'encoder out', relu(project(weights, 'encoder in', input)))
  const tokens = [row('begin', 0), ...branches.map((branch) => row('tokens', branch))]
  const x = tokens.map((token, position) => add(token, row('positions', position)))
  const attend = (asked: number[], keys: number[][], values: number[][]): number[] => {
    const size = asked.length / heads
    return Array.from({ length: heads }, (_, head) => {
      const part = (v: number[]): number[] => v.slice(head * size, (head + 1) * size)
      const shares = softmax(keys.map((key) => dot(part(asked), part(key)) / Math.sqrt(size)))
      return values.map(part).reduce(
        (sum, value, j) =>
          add(
            sum,
            value.map((v) => v * shares[j]!),
          ),
        new Array<number>(size).fill(0),
      )
    }).flat()
  }
  const normed = (name: string, v: number[]): number[] => norm(v, weights[`${name} gain`]!, weights[`${name} shift`]!)
  const [keys, values] = [
    x.map((v) => project(weights, 'self key', v)),
    x.map((v) => project(weights, 'self value', v)),
  ]
  const outputs = x.map((v, position) => {
    const seen = position + 1
    const mixed = attend(project(weights, 'self query', v), keys.slice(0, seen), values.slice(0, seen))
    const self = normed('norm0', add(v, project(weights, 'self out', mixed)))
    const crossed = attend(self.map(noise), [memory.map(noise)], [project(weights, 'cross value', memory)])
    const z = normed('norm1', add(self, project(weights, 'cross out', crossed)))
    const fed = project(weights, 'ffn out', relu(project(weights, 'ffn in', z)))
    return project(weights, 'head', normed('norm2', add(z, fed)))
  })
  return outputs.at(-1)!
}

/** Softmax cross-entropy of one row, in nats. */
export function crossEntropy(logits: readonly number[], targets: ArrayLike<number>): number {
  const top = Math.max(...logits)
  const normaliser = top + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - top), 0))
  return logits.reduce((sum, value, i) => sum + targets[i]! * (normaliser - value), 0)
}
