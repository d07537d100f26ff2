import { describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expectBuilt, expected, expectOpened, type Built, type Opened } from './expected.js'
import { APP, BUN, DATA, DENO, NODE } from './places.js'

/** Run a program in the folder where the tarball is installed; what it printed last, as JSON. */
async function run<T>(command: string, ...args: string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(command, args, { cwd: APP, maxBuffer: 1 << 26 })
  return JSON.parse(stdout.trim().split('\n').at(-1)!)
}

const runtimes: [name: string, command: string, ...args: string[]][] = [
  ...Object.entries(NODE),
  ['Bun', BUN],
  ['Deno', DENO, 'run', '--allow-all', '--no-lock'],
]

describe.each(runtimes)('%s', (name, command, ...args) => {
  test('says that it is the runtime it is taken for', async () => {
    const version = await promisify(execFile)(command, ['--version'])
    expect(version.stdout).toMatch(/^Node/.test(name) ? new RegExp(`^v${name.slice(5)}`) : /\d+\.\d+\.\d+/)
  })

  test('opens the index of Node, refuses broken files, builds with and without a tree, and ends by itself', async () => {
    const { opened, searched, built, threads } = await run<{
      opened: Opened
      searched: Opened
      built: Built
      threads: number
    }>(command, ...args, 'everything.js', DATA)
    expectOpened(opened)
    expectOpened(searched)
    expectBuilt(built)
    // A director, its two workers, and one that trains.
    expect(threads).toBeGreaterThanOrEqual(4)
    // One trainer in one binary, on one machine: the same bytes.
    expect(built.trainedSum).toBe(expected().trainedSum)
  })
})

describe.each(['batl', 'batl/search'])('Deno that may only read', (entry) => {
  test(`opens and searches with ${entry}`, async () => {
    expectOpened(await run(DENO, 'run', '--no-prompt', '--no-lock', '--allow-read', 'search-only.js', DATA, entry))
  })
})

describe('CommonJS', () => {
  test.each(Object.entries(NODE))('%s requires both entries', async (_, command) => {
    const program = `
      const { BatlIndex } = require('batl'); const search = require('batl/search')
      BatlIndex.build([[1, 2], [3, 4]]).then(async (index) => {
        const opened = await search.BatlIndex.fromBytes(index.toBytes())
        console.log(JSON.stringify([...opened.search([3, 4]).ids]))
      })`
    expect(await run(command, '--input-type=commonjs', '--eval', program)).toEqual([1, 0])
  })
})
