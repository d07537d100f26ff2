import type { Tensor, Tf } from './tf.js'

const FIRST_DECAY = 0.9
const SECOND_DECAY = 0.999
const EPSILON = 1e-8

interface Moments {
  first: Tensor
  second: Tensor
}

/**
 * Adam (Kingma and Ba, ICLR 2015) on tensors that it owns: a step replaces them and disposes of the old ones.
 * Both bias corrections are folded into the step size, so that no pass over the weights is spent on them.
 */
export class Adam {
  /** The weights, as they are now. */
  readonly weights: Tensor[]
  readonly #tf: Tf
  readonly #moments: Moments[]
  #steps = 0

  /** @param weights - start; owned from here on. */
  constructor(tf: Tf, weights: readonly Tensor[]) {
    this.#tf = tf
    this.weights = [...weights]
    this.#moments = weights.map(({ shape }) => ({ first: tf.zeros(shape), second: tf.zeros(shape) }))
  }

  /**
   * One update of every weight.
   * @param gradients - one per weight; stay the caller's.
   */
  step(gradients: readonly Tensor[], rate: number): void {
    const tf = this.#tf
    const done = ++this.#steps
    const unbias = Math.sqrt(1 - SECOND_DECAY ** done)
    const size = (rate * unbias) / (1 - FIRST_DECAY ** done)
    gradients.forEach((gradient, i) => {
      const { first, second } = this.#moments[i]!
      // Each part is for itself, so that few tensors of the weights' size are alive at once.
      const mean = tf.tidy(() => tf.add(tf.mul(first, FIRST_DECAY), tf.mul(gradient, 1 - FIRST_DECAY)))
      first.dispose()
      const square = tf.tidy(() => tf.add(tf.mul(second, SECOND_DECAY), tf.mul(tf.square(gradient), 1 - SECOND_DECAY)))
      second.dispose()
      this.#moments[i] = { first: mean, second: square }
      const root = tf.tidy(() => tf.add(tf.sqrt(square), EPSILON * unbias))
      const change = tf.tidy(() => tf.mul(tf.div(mean, root), size))
      root.dispose()
      const before = this.weights[i]!
      this.weights[i] = tf.sub(before, change)
      tf.dispose([before, change])
    })
  }

  dispose(): void {
    this.#tf.dispose(this.#moments.flatMap(({ first, second }) => [first, second]))
    this.#tf.dispose(this.weights)
  }
}

/** Learning rate of step `done` of `total`: a cosine from `rate` to a tenth of it. */
export function decayedRate(rate: number, done: number, total: number): number {
  return rate * (0.55 + 0.45 * Math.cos((Math.PI * done) / Math.max(1, total)))
}
