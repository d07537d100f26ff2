import cliProgress from 'cli-progress'
import type { Phase } from '../index.js'

/** Words for the phases of a build. */
const PHASES: Readonly<Record<Phase, string>> = {
  read: 'reading rows',
  partition: 'placing rows',
  labels: 'labelling queries',
  train: 'training router',
  update: 'updating tree',
  encode: 'filling leaves',
  tune: 'tuning recall',
}
const WIDTH = Math.max(...Object.values(PHASES).map((words) => words.length))
/** Steps of a full bar. */
const FULL = 1000

/** The bar of one phase. */
interface PhaseBar {
  readonly bar: cliProgress.SingleBar
  /** Of the present turn, 0 to 1. */
  share: number
  /** A phase that begins anew, such as training after a tree update, is in its next turn. */
  turn: number
  /** Spent in this phase; others may come in between. */
  milliseconds: number
}

/** One progress bar a phase on a terminal; silent where there is none. */
export class PhaseBars {
  readonly #stream: NodeJS.WriteStream
  readonly #phases = new Map<Phase, PhaseBar>()
  #screen: cliProgress.MultiBar | undefined
  #since = 0

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  /** What `onProgress` reports. */
  update(phase: Phase, done: number, total: number): void {
    if (!this.#stream.isTTY) return
    const now = performance.now()
    const shown = this.#phases.get(phase) ?? this.#add(phase, now)
    const share = total > 0 ? done / total : 0
    if (share < shown.share) shown.turn++
    shown.share = share
    shown.milliseconds += now - this.#since
    this.#since = now
    this.#draw(shown)
  }

  /** The build is done, and with it every phase. */
  finish(): void {
    for (const shown of this.#phases.values()) {
      shown.share = 1
      this.#draw(shown)
    }
    this.stop()
  }

  /** Leave the terminal as it was: the cursor shown, the bars where they stand. */
  stop(): void {
    this.#screen?.stop()
    this.#screen = undefined
    this.#phases.clear()
  }

  #draw({ bar, share, turn, milliseconds }: PhaseBar): void {
    const seconds = (milliseconds / 1000).toFixed(1)
    bar.update(Math.floor(share * FULL), { seconds, turn: turn === 1 ? '' : `turn ${turn}` })
  }

  #add(phase: Phase, now: number): PhaseBar {
    if (this.#screen === undefined) {
      this.#since = now
      this.#screen = new cliProgress.MultiBar({
        stream: this.#stream,
        format: '{phase} {bar} {percentage}% {seconds} s {turn}',
        barCompleteChar: '#',
        barIncompleteChar: '.',
        barsize: 30,
        autopadding: true,
        hideCursor: true,
        // An interrupt ends the command, and that ends the bars.
        gracefulExit: false,
      })
    }
    const bar = this.#screen.create(FULL, 0, { phase: PHASES[phase].padEnd(WIDTH), seconds: '0.0', turn: '' })
    const shown = { bar, share: 0, turn: 1, milliseconds: 0 }
    this.#phases.set(phase, shown)
    return shown
  }
}
