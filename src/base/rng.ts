/**
 * A seeded stream of random numbers: the same seed gives the same stream on every runtime.
 * @see Sebastiano Vigna's SplitMix and xorshift families; this is the 32-bit `sfc` generator of Chris Doty-Humphrey's PractRand.
 */
export class Rng {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /**
   * @param seed - any integer.
   * @param stream - separates streams of one seed, so that one phase's use of numbers never shifts another's.
   */
  constructor(seed: number, stream = 0) {
    this.#a = seed | 0
    this.#b = Math.floor(seed / 2 ** 32) | 0
    this.#c = stream | 0
    for (let i = 0; i < 16; i++) this.uint32()
  }

  /** The next of 2^32 equally likely integers. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.uint32() / 2 ** 32
  }

  /** Uniform integer in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.uniform() * bound)
  }

  /** Standard normal, by Box and Muller. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()))
    return radius * Math.cos(2 * Math.PI * this.uniform())
  }

  /** Shuffle in place (Fisher and Yates). */
  shuffle<T extends { length: number; [index: number]: number }>(values: T): T {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const held = values[i]!
      values[i] = values[j]!
      values[j] = held
    }
    return values
  }

  /** `count` distinct integers of [0, bound), in random order. */
  sample(bound: number, count: number): Uint32Array {
    const all = new Uint32Array(bound)
    for (let i = 0; i < bound; i++) all[i] = i
    const wanted = Math.min(count, bound)
    for (let i = 0; i < wanted; i++) {
      const j = i + this.below(bound - i)
      const held = all[i]!
      all[i] = all[j]!
      all[j] = held
    }
    return all.slice(0, wanted)
  }
}
