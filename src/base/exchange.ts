import { sharedBuffer, sharedF32 } from './shared.js'

/**
 * Halves of a batch: each is summed up on its own and then added to the other, whether one worker computes both or two compute
 * one each, so that the weights are the same bits either way.
 */
export const HALVES = 2

/** Memory through which two workers that train one router together add up their gradients. Crosses threads as it is. */
export interface ExchangeMemory {
  /** How often a worker has come to a meeting, since the training began. */
  readonly arrivals: Int32Array
  /** Of each half: its summed loss, and its gradients one after the other. */
  readonly losses: Float64Array
  readonly sums: readonly Float32Array[]
}

/** @param weights - how many floats are trained. */
export function exchangeMemory(weights: number): ExchangeMemory {
  return {
    arrivals: new Int32Array(sharedBuffer(4)),
    losses: new Float64Array(sharedBuffer(HALVES * 8)),
    sums: Array.from({ length: HALVES }, () => sharedF32(weights)),
  }
}

/** One worker's side of an all-reduce between two: both give their half's sums, and both see the other's. */
export class Exchange {
  readonly #memory: ExchangeMemory
  readonly #half: number
  #meetings = 0

  /** @param half - which one this worker computes. */
  constructor(memory: ExchangeMemory, half: number) {
    this.#memory = memory
    this.#half = half
  }

  /** Which half of a batch this worker computes. */
  get half(): number {
    return this.#half
  }

  /**
   * Give this half's sums and wait for the other's. Blocks the thread.
   * @param take - reads the other half's gradients, as one array each; they are valid until it returns.
   */
  swap<T>(
    loss: number,
    gradients: readonly ArrayLike<number>[],
    take: (loss: number, gradients: readonly Float32Array[]) => T,
  ): T {
    const { losses, sums } = this.#memory
    const own = sums[this.#half]!
    losses[this.#half] = loss
    let at = 0
    for (const gradient of gradients) {
      own.set(gradient, at)
      at += gradient.length
    }
    this.#meet()
    const other = HALVES - 1 - this.#half
    at = 0
    const theirs = gradients.map(({ length }) => sums[other]!.subarray(at, (at += length)))
    const taken = take(losses[other]!, theirs)
    this.#meet()
    return taken
  }

  #meet(): void {
    const { arrivals } = this.#memory
    const all = ++this.#meetings * HALVES
    Atomics.add(arrivals, 0, 1)
    Atomics.notify(arrivals, 0)
    for (let seen = Atomics.load(arrivals, 0); seen < all; seen = Atomics.load(arrivals, 0)) {
      Atomics.wait(arrivals, 0, seen)
    }
  }
}
