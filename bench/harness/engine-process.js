// @ts-check
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** Characters of an engine's stderr that are kept for its error. */
const KEPT = 4000

/** An engine in a process of its own: requests go one at a time. */
export class EngineProcess {
  /** @param {import('./install.js').Runtime} runtime @param {number} threads - for OpenMP and the like. */
  constructor({ command, args, env }, threads) {
    const limits = Object.fromEntries(
      ['OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'].map((name) => [name, String(threads)]),
    )
    this.child = spawn(command, args, {
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...limits, TF_CPP_MIN_LOG_LEVEL: '2', ...env },
    })
    this.printed = ''
    this.child.stderr?.on('data', (text) => (this.printed = (this.printed + String(text)).slice(-KEPT)))
    // A process that died is found by its exit, not by the pipe that it leaves.
    this.child.stdin?.on('error', () => undefined)
    this.exited = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => resolve(signal ?? code))
      this.child.on('error', (error) => resolve(error.message))
    })
    const replies = /** @type {import('node:stream').Readable} */ (this.child.stdio[3])
    this.replies = createInterface({ input: replies })[Symbol.asyncIterator]()
  }

  /**
   * @param {Record<string, unknown>} job
   * @returns {Promise<any>}
   * @throws an error with what the process printed last, where it ends without an answer.
   */
  async ask(job) {
    this.child.stdin?.write(`${JSON.stringify(job)}\n`)
    const { value, done } = await this.replies.next()
    if (!done) return JSON.parse(value)
    const status = await this.exited
    const last = this.printed.trim().split('\n').slice(-3).join(' ')
    throw new Error(`the engine ended with ${status} while it was asked to ${job['op']}: ${last}`)
  }

  /** End it, and wait until it has ended: no two engines run at once. */
  async end() {
    this.child.stdin?.end()
    await this.exited
  }
}
