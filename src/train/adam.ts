const FIRST_DECAY = 0.9
const SECOND_DECAY = 0.999
const EPSILON = 1e-8

/**
 * Adam (Kingma and Ba, ICLR 2015) on floats that it moves in place: in loops, since tensors of each of its parts would leave
 * holes in the memory of TensorFlow.js, which never shrinks. Both bias corrections are folded into the step size, so that no
 * pass over the weights is spent on them.
 */
export class Adam {
  readonly #weights: Float32Array
  readonly #first: Float32Array
  readonly #second: Float32Array
  #steps = 0

  /** @param weights - start, and where they are after each step. */
  constructor(weights: Float32Array) {
    this.#weights = weights
    this.#first = new Float32Array(weights.length)
    this.#second = new Float32Array(weights.length)
  }

  /**
   * One update of every weight; every operation is of 32 bits.
   * @param one - with `other` and times `scale` the gradient.
   */
  step(one: Float32Array, other: Float32Array, scale: number, rate: number): void {
    const { fround } = Math
    const done = ++this.#steps
    const unbias = Math.sqrt(1 - SECOND_DECAY ** done)
    const size = fround((rate * unbias) / (1 - FIRST_DECAY ** done))
    const epsilon = fround(EPSILON * unbias)
    const [share, kept, added] = [fround(scale), fround(FIRST_DECAY), fround(1 - FIRST_DECAY)]
    const [keptSquare, addedSquare] = [fround(SECOND_DECAY), fround(1 - SECOND_DECAY)]
    const weights = this.#weights
    const first = this.#first
    const second = this.#second
    for (let i = 0; i < weights.length; i++) {
      const gradient = fround(fround(one[i]! + other[i]!) * share)
      const mean = fround(fround(first[i]! * kept) + fround(gradient * added))
      const square = fround(fround(second[i]! * keptSquare) + fround(fround(gradient * gradient) * addedSquare))
      first[i] = mean
      second[i] = square
      const root = fround(fround(Math.sqrt(square)) + epsilon)
      weights[i] = fround(weights[i]! - fround(fround(mean / root) * size))
    }
  }
}

/** Learning rate of step `done` of `total`: a cosine from `rate` to a tenth of it. */
export function decayedRate(rate: number, done: number, total: number): number {
  return rate * (0.55 + 0.45 * Math.cos((Math.PI * done) / Math.max(1, total)))
}
