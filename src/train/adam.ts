import { align64 } from '../base/align.js'
import { Arena } from '../kernels/memory.js'

const FIRST_DECAY = 0.9
const SECOND_DECAY = 0.999
const EPSILON = 1e-8
/** Weights that are moved at a time: what is copied to the kernel and back stays in the second-level cache. */
const BLOCK = 1 << 14

/**
 * Adam (Kingma and Ba, ICLR 2015) on floats that it moves in place: by a kernel of ours, since tensors of each of its parts
 * would leave holes in the memory of TensorFlow.js, which never shrinks. Both bias corrections are folded into the step size,
 * so that no pass over the weights is spent on them.
 *
 *   memory   | mean f32 [weights] | square f32 [weights] | weights, one, other f32 [BLOCK] each |
 */
export class Adam {
  readonly #weights: Float32Array
  readonly #arena: Arena
  readonly #mean: number
  readonly #square: number
  readonly #staged: readonly [number, number, number]
  #steps = 0

  /**
   * The kernels of building must have been loaded.
   * @param weights - start, and where they are after each step.
   */
  constructor(weights: Float32Array) {
    const momentBytes = align64(weights.byteLength)
    this.#weights = weights
    this.#arena = Arena.create(2 * momentBytes + 3 * BLOCK * 4)
    this.#mean = this.#arena.allocate(2 * momentBytes + 3 * BLOCK * 4)
    this.#square = this.#mean + momentBytes
    const staged = this.#square + momentBytes
    this.#staged = [staged, staged + BLOCK * 4, staged + 2 * BLOCK * 4]
  }

  /**
   * One update of every weight.
   * @param one - with `other` and times `scale` the gradient.
   */
  step(one: Float32Array, other: Float32Array, scale: number, rate: number): void {
    const { kernels } = this.#arena
    const done = ++this.#steps
    const unbias = Math.sqrt(1 - SECOND_DECAY ** done)
    const size = (rate * unbias) / (1 - FIRST_DECAY ** done)
    const shares = [
      scale,
      FIRST_DECAY,
      1 - FIRST_DECAY,
      SECOND_DECAY,
      1 - SECOND_DECAY,
      size,
      EPSILON * unbias,
    ] as const
    const [weightsAt, oneAt, otherAt] = this.#staged
    const weights = this.#weights
    for (let from = 0; from < weights.length; from += BLOCK) {
      const end = Math.min(weights.length, from + BLOCK)
      const moved = this.#arena.f32(weightsAt, end - from)
      moved.set(weights.subarray(from, end))
      this.#arena.f32(oneAt, end - from).set(one.subarray(from, end))
      this.#arena.f32(otherAt, end - from).set(other.subarray(from, end))
      const [mean, square] = [this.#mean + from * 4, this.#square + from * 4]
      // Up to three floats after the last weight move too, which nobody reads.
      kernels.adamStep(weightsAt, mean, square, oneAt, otherAt, (end - from + 3) & ~3, ...shares)
      weights.set(moved, from)
    }
  }
}

/** Learning rate of step `done` of `total`: a cosine from `rate` to a tenth of it. */
export function decayedRate(rate: number, done: number, total: number): number {
  return rate * (0.55 + 0.45 * Math.cos((Math.PI * done) / Math.max(1, total)))
}
