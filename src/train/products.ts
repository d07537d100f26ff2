import type { Tensor2D, Trainer } from './tf.js'

// The WASM backend leaves its fast path when matMul is told to transpose (8 to 30 times slower); the native one does not.

/** x . w^T for x `[rows, cols]` and w `[other, cols]`. */
export function timesTransposed({ tf, name }: Trainer, x: Tensor2D, w: Tensor2D): Tensor2D {
  return name === 'wasm' ? tf.tidy(() => tf.matMul(x, tf.transpose(w))) : tf.matMul(x, w, false, true)
}

/** x^T . y for x `[rows, a]` and y `[rows, b]`: turns x, or y and the result, whichever are fewer floats. */
export function transposedTimes({ tf, name }: Trainer, x: Tensor2D, y: Tensor2D): Tensor2D {
  if (name !== 'wasm') return tf.matMul(x, y, true, false)
  const [rows, a] = x.shape
  const b = y.shape[1]
  if (rows * a <= rows * b + a * b) return tf.tidy(() => tf.matMul(tf.transpose(x), y))
  return tf.tidy(() => tf.transpose(tf.matMul(tf.transpose(y), x)))
}
