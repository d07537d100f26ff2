import { sharedBuffer, sharedF32 } from './shared.js'

/**
 * Halves of a batch: each is summed up on its own and then added to the other, whether one worker computes both or two compute
 * one each, so that the weights are the same bits either way.
 */
export const HALVES = 2

/** Items [from, to) of one half of so many: the first takes the one that is left over. */
export function halfOf(count: number, half: number): [from: number, to: number] {
  const middle = Math.ceil(count / HALVES)
  return half === 0 ? [0, middle] : [middle, count]
}

/** Memory in which a router's weights are trained, by one worker or by two together. Crosses threads as it is. */
export interface ExchangeMemory {
  /** How often a worker has come to a meeting, since the training began. */
  readonly arrivals: Int32Array
  /** Of each half: its summed loss, and its summed gradients one after the other. */
  readonly losses: Float64Array
  readonly sums: readonly Float32Array[]
  /** The weights that are trained, one after the other. */
  readonly weights: Float32Array
}

/** @param weights - how many floats are trained. */
export function exchangeMemory(weights: number): ExchangeMemory {
  return {
    arrivals: new Int32Array(sharedBuffer(4)),
    losses: new Float64Array(sharedBuffer(HALVES * 8)),
    sums: Array.from({ length: HALVES }, () => sharedF32(weights)),
    weights: sharedF32(weights),
  }
}

/**
 * One worker's side of a training: which halves of a batch it computes, and which share of the weights it moves. Two workers
 * compute one half and move one half of the weights each, so that neither holds the optimiser's state of all (Rajbhandari
 * et al., "ZeRO", SC 2020).
 */
export class Exchange {
  readonly memory: ExchangeMemory
  readonly halves: readonly number[]
  /** This worker's share: weights [first, end). */
  readonly first: number
  readonly end: number
  #meetings = 0

  /** @param half - which one this worker computes; both where there is no other worker. */
  constructor(memory: ExchangeMemory, half: number | undefined) {
    const { length } = memory.weights
    this.memory = memory
    this.halves = half === undefined ? [0, 1] : [half]
    const [first, end] = half === undefined ? [0, length] : halfOf(length, half)
    this.first = first
    this.end = end
  }

  /** Wait until the other worker, where there is one, has come as far. Blocks the thread. */
  meet(): void {
    if (this.halves.length === HALVES) return
    const { arrivals } = this.memory
    const all = ++this.#meetings * HALVES
    Atomics.add(arrivals, 0, 1)
    Atomics.notify(arrivals, 0)
    for (let seen = Atomics.load(arrivals, 0); seen < all; seen = Atomics.load(arrivals, 0)) {
      Atomics.wait(arrivals, 0, seen)
    }
  }
}
