/** Longest stretch of work between two turns of the event loop, in milliseconds. */
const STRETCH_MS = 10

function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve, 0)
  })
}

/**
 * Lets long work share its thread: the work calls `turn` after each small block, and now and then the event loop runs.
 * The clock decides only when to pause, never what is computed.
 */
export class Pace {
  readonly #signal: AbortSignal | undefined
  #resumed = performance.now()

  constructor(signal?: AbortSignal) {
    this.#signal = signal
  }

  /** Whether `turn` would give way, or throw: who works in very small blocks asks this first, which makes no promise. */
  get due(): boolean {
    return this.#signal?.aborted === true || performance.now() - this.#resumed >= STRETCH_MS
  }

  /**
   * Give way to the event loop if it has waited long enough.
   * @throws the signal's reason once it has aborted.
   */
  async turn(): Promise<void> {
    this.#signal?.throwIfAborted()
    if (!this.due) return
    await macrotask()
    this.#signal?.throwIfAborted()
    this.#resumed = performance.now()
  }
}
