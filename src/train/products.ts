import type { Tensor2D, Trainer } from './tf.js'

// The WASM backend leaves its fast path when matMul is told to transpose (8 to 30 times slower); the native one does not.

/** What it takes to put a float into the order that products want, relative to turning it. */
const REORDERED = 3

/**
 * x . w^T for x `[rows, cols]` and w `[other, cols]`: turns w, or x and the result. What is multiplied with is also put into
 * another order, which takes three times as long as to turn it.
 */
export function timesTransposed({ tf, name }: Trainer, x: Tensor2D, w: Tensor2D): Tensor2D {
  if (name !== 'wasm') return tf.matMul(x, w, false, true)
  const [rows, cols] = x.shape
  const other = w.shape[0]
  const turnsX = (1 + REORDERED) * rows * cols + rows * other < (1 + REORDERED) * other * cols
  return tf.tidy(() => (turnsX ? tf.transpose(tf.matMul(w, tf.transpose(x))) : tf.matMul(x, tf.transpose(w))))
}

/** x^T . y for x `[rows, a]` and y `[rows, b]`: turns x, or y and the result. */
export function transposedTimes({ tf, name }: Trainer, x: Tensor2D, y: Tensor2D): Tensor2D {
  if (name !== 'wasm') return tf.matMul(x, y, true, false)
  const [rows, a] = x.shape
  const b = y.shape[1]
  if (rows * a + REORDERED * rows * b <= rows * b + REORDERED * rows * a + a * b)
    return tf.tidy(() => tf.matMul(tf.transpose(x), y))
  return tf.tidy(() => tf.transpose(tf.matMul(tf.transpose(y), x)))
}
