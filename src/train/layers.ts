import { timesTransposed, transposedTimes } from './products.js'
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tf, Trainer } from './tf.js'

// Layers with gradients written out. tfjs-core registers none in Node unless tfjs-node is there, and its own transpose inside
// matMul, scatter (absent from the WASM backend) and sum columns one by one.

/** Added to variances, here and where routers are scored. */
export const NORM_EPSILON = 1e-5

interface Forward {
  value: Tensor
  /** What `gradient` needs of the forward pass. */
  saved: Tensor[]
  /** Gradients of the inputs, in their order, from that of the value. */
  gradient: (towards: Tensor2D, saved: Tensor[]) => Tensor[]
}

function layer<T extends Tensor>(tf: Tf, inputs: readonly Tensor[], forward: () => Forward): T {
  const recorded = tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as (tensors: Tensor[]) => void
    const { value, saved, gradient } = forward()
    save(saved)
    return { value, gradFunc: (towards: Tensor, saved: Tensor[]) => gradient(towards as Tensor2D, saved) }
  })
  return recorded(...inputs) as T
}

/** x . w + b for x `[rows, in]`, w `[in, out]`, b `[out]`; negative values set to zero where `rectify` asks for it. */
export function dense(trainer: Trainer, x: Tensor2D, [w, b]: readonly [Tensor2D, Tensor1D], rectify = false): Tensor2D {
  const { tf } = trainer
  return layer(tf, [x, w, b], () => {
    const sums = tf.add(tf.matMul(x, w), b)
    const value = rectify ? tf.relu(sums) : sums
    const gradient = (towards: Tensor2D, [x, w, value]: Tensor[]): Tensor[] => {
      const passed = rectify ? tf.mul<Tensor2D>(towards, tf.step(value!)) : towards
      return [
        timesTransposed(trainer, passed, w as Tensor2D),
        transposedTimes(trainer, x as Tensor2D, passed),
        columnSums(trainer, passed),
      ]
    }
    return { value, saved: rectify ? [x, w, value] : [x, w], gradient }
  })
}

/** Each row shifted to mean 0 and scaled to variance 1, then times `gain` plus `shift`, both `[cols]`. */
export function layerNorm(trainer: Trainer, x: Tensor2D, [gain, shift]: readonly [Tensor1D, Tensor1D]): Tensor2D {
  const { tf } = trainer
  return layer(tf, [x, gain, shift], () => {
    const centred = tf.sub(x, tf.mean(x, 1, true))
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), NORM_EPSILON))
    const unit = tf.mul(centred, inverse)
    const gradient = (towards: Tensor2D, saved: Tensor[]): Tensor[] => {
      const [unit, inverse, gain] = saved as [Tensor, Tensor, Tensor]
      const along = tf.mul<Tensor2D>(towards, unit)
      const pushed = tf.mul(towards, gain)
      const kept = tf.sub(pushed, tf.mean(pushed, 1, true))
      const free = tf.sub(kept, tf.mul(unit, tf.mean(tf.mul(along, gain), 1, true)))
      return [tf.mul(free, inverse), columnSums(trainer, along), columnSums(trainer, towards)]
    }
    return { value: tf.add(tf.mul(unit, gain), shift), saved: [unit, inverse, gain], gradient }
  })
}

/** a + b, of one shape. The gradients are two tensors, since the engine disposes of one when it adds another to it. */
export function plus({ tf }: Trainer, a: Tensor2D, b: Tensor2D): Tensor2D {
  return layer(tf, [a, b], () => ({
    value: tf.add(a, b),
    saved: [],
    gradient: (towards) => [tf.clone(towards), tf.clone(towards)],
  }))
}

/** Which row of a table each output row copies. */
export interface Pick {
  /** `[rows]` */
  readonly index: Tensor1D
  /** `[table rows, rows]`, 1 where the output row copies the table's: the scatter of the gradient as a product. */
  readonly spread: Tensor2D
}

export function makePick({ tf }: Trainer, index: ArrayLike<number>, tableRows: number): Pick {
  const rows = index.length
  const spread = new Float32Array(tableRows * rows)
  for (let i = 0; i < rows; i++) spread[index[i]! * rows + i] = 1
  return { index: tf.tensor1d(Int32Array.from(index), 'int32'), spread: tf.tensor2d(spread, [tableRows, rows]) }
}

/** The rows of `table` that `pick` names. */
export function pickRows({ tf }: Trainer, table: Tensor2D, { index, spread }: Pick): Tensor2D {
  return layer(tf, [table], () => ({
    value: tf.gather(table, index),
    saved: [],
    gradient: (towards) => [tf.matMul(spread, towards)],
  }))
}

/** Blocks of one width below each other; a block may come more than once. */
export function stackRows({ tf }: Trainer, blocks: readonly Tensor2D[]): Tensor2D {
  if (blocks.length === 1) return blocks[0]!
  return layer(tf, blocks, () => ({
    value: tf.concat([...blocks], 0),
    saved: [],
    gradient: (towards) =>
      tf.split(
        towards,
        blocks.map(({ shape }) => shape[0]),
        0,
      ),
  }))
}

/** Each row of `table` plus row `position` of `positions`. */
export function atPosition(trainer: Trainer, table: Tensor2D, positions: Tensor2D, position: number): Tensor2D {
  const { tf } = trainer
  const [count, width] = positions.shape
  return layer(tf, [table, positions], () => ({
    value: tf.add(table, tf.slice2d(positions, [position, 0], [1, width])),
    saved: [],
    gradient: (towards) => {
      const row = tf.reshape(columnSums(trainer, towards), [1, width]) as Tensor2D
      return [
        tf.clone(towards),
        tf.pad2d(row, [
          [position, count - 1 - position],
          [0, 0],
        ]),
      ]
    },
  }))
}

/**
 * Multi-head attention of one query a row over a few keys of its own: `softmax(query . key_j / sqrt(size))` mixes the values.
 * @param keys - one `[rows, width]` per position, and `values` alike.
 * @returns `[rows, width]`, the heads side by side.
 */
export function attend(
  { tf }: Trainer,
  heads: number,
  query: Tensor2D,
  keys: readonly Tensor2D[],
  values: readonly Tensor2D[],
): Tensor2D {
  const [rows, width] = query.shape
  const size = width / heads
  const split = (x: Tensor): Tensor => tf.reshape(x, [rows * heads, size])
  const merge = (x: Tensor): Tensor => tf.reshape(x, [rows, width])
  const column = (x: Tensor, j: number): Tensor => tf.slice(x, [0, j], [rows * heads, 1])
  return layer(tf, [query, ...keys, ...values], () => {
    const scores = keys.map((key) => tf.sum(tf.mul(split(query), split(key)), 1, true))
    const shares = tf.softmax(tf.div(tf.concat(scores, 1), Math.sqrt(size)))
    const value = merge(tf.addN(values.map((value, j) => tf.mul(split(value), column(shares, j)))))
    const gradient = (towards: Tensor2D, saved: Tensor[]): Tensor[] => {
      const [shares, query, ...pairs] = saved as [Tensor, Tensor, ...Tensor[]]
      const [keys, values] = [pairs.slice(0, pairs.length / 2), pairs.slice(pairs.length / 2)]
      const apart = split(towards)
      const toShares = tf.concat(
        values.map((value) => tf.sum(tf.mul(apart, split(value)), 1, true)),
        1,
      )
      const mean = tf.sum(tf.mul(toShares, shares), 1, true)
      const toScores = tf.div(tf.mul(shares, tf.sub(toShares, mean)), Math.sqrt(size))
      return [
        merge(tf.addN(keys.map((key, j) => tf.mul(split(key), column(toScores, j))))),
        ...keys.map((_, j) => merge(tf.mul(split(query), column(toScores, j)))),
        ...keys.map((_, j) => merge(tf.mul(apart, column(shares, j)))),
      ]
    }
    return { value, saved: [shares, query, ...keys, ...values], gradient }
  })
}

/**
 * Softmax cross-entropy, summed over the rows.
 * @param targets - `[rows, classes]`, one 1 a row.
 * @param mask - added to the logits: very negative where a row has no such class.
 */
export function crossEntropy({ tf }: Trainer, scores: Tensor2D, targets: Tensor2D, mask: Tensor2D | undefined): Scalar {
  return layer(tf, [scores], () => {
    const logits = mask === undefined ? scores : tf.add(scores, mask)
    const shares = tf.softmax(logits)
    const normalisers = tf.sub(tf.max(logits, 1), tf.log(tf.max(shares, 1)))
    return {
      value: tf.sub(tf.sum(normalisers), tf.sum(tf.mul(logits, targets))),
      saved: [shares],
      gradient: (towards, [shares]) => [tf.mul(tf.sub(shares!, targets), towards)],
    }
  })
}

/** Sums of the columns, as a product: the WASM backend sums along the first axis ten times slower. */
function columnSums({ tf }: Trainer, x: Tensor2D): Tensor1D {
  return tf.tidy(() => tf.reshape(tf.matMul(tf.ones([1, x.shape[0]]), x), [x.shape[1]]) as Tensor1D)
}
