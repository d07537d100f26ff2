/** The score of a place without an entry. */
export const NO_ENTRY = 32_767
const LEAST_SCORE = -32_768

/** The least scores of a set that grows, counted by value. */
export class ScoreCounts {
  readonly #counts = new Uint32Array(NO_ENTRY - LEAST_SCORE)
  readonly #ranks: readonly number[]
  /** Scores above this are not among those asked for. */
  #limit = NO_ENTRY - 1
  #least = NO_ENTRY
  #most = LEAST_SCORE

  /** @param ranks - of the scores that are asked for: from 1 on, ascending. */
  constructor(ranks: readonly number[]) {
    this.#ranks = ranks
  }

  /** Add scores to the set; places without an entry are none. */
  add(scores: Int16Array): void {
    const counts = this.#counts
    const limit = this.#limit
    let least = this.#least
    let most = this.#most
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!
      if (score > limit) continue
      counts[score - LEAST_SCORE]!++
      if (score < least) least = score
      if (score > most) most = score
    }
    this.#least = least
    this.#most = most
  }

  /** Write the scores of the ranks, `NO_ENTRY` where there are not as many. */
  read(out: Int16Array): void {
    const ranks = this.#ranks
    const counts = this.#counts
    const most = this.#most
    let score = this.#least - 1
    let counted = 0
    for (let i = 0; i < ranks.length; i++) {
      const rank = ranks[i]!
      while (counted < rank && score < most) counted += counts[++score - LEAST_SCORE]!
      out[i] = counted < rank ? NO_ENTRY : score
    }
    // What is added later can only lower the scores.
    if (counted >= ranks.at(-1)!) this.#limit = Math.min(this.#limit, score)
  }

  /** Begin another set. */
  clear(): void {
    if (this.#most >= this.#least) this.#counts.fill(0, this.#least - LEAST_SCORE, this.#most - LEAST_SCORE + 1)
    this.#limit = NO_ENTRY - 1
    this.#least = NO_ENTRY
    this.#most = LEAST_SCORE
  }
}
