// @ts-check
import cliProgress from 'cli-progress'

/** What a build does in each of its phases. @type {Readonly<Record<import('batl').Phase, string>>} */
const WORDS = {
  read: 'reading the vectors',
  partition: 'placing them in leaves',
  labels: 'finding their neighbours',
  train: 'training the router',
  update: 'updating the tree',
  encode: 'copying where queries miss',
  tune: 'tuning recall',
}
const WIDTH = Math.max(...Object.values(WORDS).map((words) => words.length))
const FULL = 1000

/** Shows what a build reports: a bar a phase on a terminal, elsewhere a line when a phase begins. */
export class PhaseBars {
  #stream
  #screen
  /** @type {Map<import('batl').Phase, cliProgress.SingleBar | undefined>} */
  #bars = new Map()

  /** @param {NodeJS.WriteStream} stream */
  constructor(stream) {
    this.#stream = stream
    const format = `{phase} {bar} {percentage}%`
    const bar = { barCompleteChar: '#', barIncompleteChar: '.', barsize: 40 }
    this.#screen = new cliProgress.MultiBar({ stream, format, ...bar, autopadding: true, gracefulExit: false })
  }

  /** @param {{ phase: import('batl').Phase, done: number, total: number }} progress */
  update({ phase, done, total }) {
    if (!this.#bars.has(phase)) this.#bars.set(phase, this.#begin(phase))
    this.#bars.get(phase)?.update(Math.floor((FULL * done) / Math.max(1, total)))
  }

  /** @param {import('batl').Phase} phase */
  #begin(phase) {
    if (this.#stream.isTTY) return this.#screen.create(FULL, 0, { phase: WORDS[phase].padEnd(WIDTH) })
    this.#stream.write(`${WORDS[phase]} ...\n`)
    return undefined
  }

  /** Everything is done. */
  finish() {
    for (const bar of this.#bars.values()) bar?.update(FULL)
    if (this.#stream.isTTY) this.#screen.stop()
  }
}
