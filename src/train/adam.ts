import type { Tensor, Tf } from './tf.js'

const FIRST_DECAY = 0.9
const SECOND_DECAY = 0.999
const EPSILON = 1e-8

/**
 * Adam (Kingma and Ba, ICLR 2015) on one tensor that it owns: a step replaces it and disposes of the old one.
 * Both bias corrections are folded into the step size, so that no pass over the weights is spent on them.
 */
export class Adam {
  readonly #tf: Tf
  #weights: Tensor
  #first: Tensor
  #second: Tensor
  #steps = 0

  /** @param weights - start; owned from here on. */
  constructor(tf: Tf, weights: Tensor) {
    this.#tf = tf
    this.#weights = weights
    this.#first = tf.zeros(weights.shape)
    this.#second = tf.zeros(weights.shape)
  }

  /**
   * One update of every weight.
   * @param gradient - stays the caller's.
   * @returns the weights as they are now, until the next step.
   */
  step(gradient: Tensor, rate: number): Tensor {
    const tf = this.#tf
    const done = ++this.#steps
    const unbias = Math.sqrt(1 - SECOND_DECAY ** done)
    const size = (rate * unbias) / (1 - FIRST_DECAY ** done)
    // Each part is for itself, so that few tensors of the weights' size are alive at once.
    this.#first = this.#replace(this.#first, (first) =>
      tf.add(tf.mul(first, FIRST_DECAY), tf.mul(gradient, 1 - FIRST_DECAY)),
    )
    this.#second = this.#replace(this.#second, (second) =>
      tf.add(tf.mul(second, SECOND_DECAY), tf.mul(tf.square(gradient), 1 - SECOND_DECAY)),
    )
    const root = tf.tidy(() => tf.add(tf.sqrt(this.#second), EPSILON * unbias))
    const change = tf.tidy(() => tf.mul(tf.div(this.#first, root), size))
    root.dispose()
    this.#weights = this.#replace(this.#weights, (weights) => tf.sub(weights, change))
    change.dispose()
    return this.#weights
  }

  #replace(tensor: Tensor, next: (tensor: Tensor) => Tensor): Tensor {
    const replaced = this.#tf.tidy(() => next(tensor))
    tensor.dispose()
    return replaced
  }

  dispose(): void {
    this.#tf.dispose([this.#weights, this.#first, this.#second])
  }
}

/** Learning rate of step `done` of `total`: a cosine from `rate` to a tenth of it. */
export function decayedRate(rate: number, done: number, total: number): number {
  return rate * (0.55 + 0.45 * Math.cos((Math.PI * done) / Math.max(1, total)))
}
