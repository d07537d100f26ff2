import { beforeAll, describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** What rounds.mjs prints after each tenth of the rounds. */
interface Held {
  readonly rss: number
  readonly external: number
  readonly threads: number
  readonly files: number
  readonly resources: readonly string[]
}

const PROGRAM = fileURLToPath(new URL('rounds.mjs', import.meta.url))
const MB = 1e6
/** A page of WebAssembly a round, or a third of a megabyte a trained one, would be more; garbage collection moves 10 MB. */
const RSS_ALLOWED = 24 * MB

describe('1,000 indexes built and closed, 100 of them with a trained tree and two threads', () => {
  let first: Held
  let later: Held[]
  beforeAll(async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', PROGRAM, '1000', '100'])
    const looks: Held[] = JSON.parse(stdout)
    expect(looks.length).toBe(10)
    // The first fifth warms up: code is compiled, and the allocator takes what it keeps.
    ;[, first, ...later] = looks as [Held, Held, ...Held[]]
  }, 1_200_000)

  test('leave no thread', () => expect(later.map(({ threads }) => threads)).toEqual(later.map(() => first.threads)))

  test('leave no file open', () => expect(later.map(({ files }) => files)).toEqual(later.map(() => first.files)))

  test('leave no timer, port or other handle', () => {
    expect(later.map(({ resources }) => resources)).toEqual(later.map(() => first.resources))
    expect(first.resources.filter((name) => !/Pipe|TTY|FS/.test(name))).toEqual([])
  })

  test('leave no memory: neither resident, nor held by buffers', () => {
    for (const { rss, external } of later) {
      expect(rss).toBeLessThan(first.rss + RSS_ALLOWED)
      expect(external).toBeLessThan(first.external + MB)
    }
  })
})
