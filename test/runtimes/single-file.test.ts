import { beforeAll, describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { promisify } from 'node:util'
import { expectBuilt, expected, expectOpened } from './expected.js'
import { APP, CACHE, DATA, NODE, tool } from './places.js'

const run = promisify(execFile)
/** A folder from which no package resolves. */
const ALONE = `${CACHE}alone/`

/** One file from `esbuild --platform=node`, far from what it was made of: no worker's file, no binary beside it. */
describe('a single file for Node', () => {
  beforeAll(async () => {
    rmSync(ALONE, { recursive: true, force: true })
    mkdirSync(ALONE)
    const args = ['single.js', '--bundle', '--platform=node', `--outfile=${ALONE}single.cjs`, '--log-level=error']
    await run(`${tool('esbuild')}/bin/esbuild`, args, { cwd: APP })
  })

  test.each(['Node 20.19', 'Node 24'] as const)('%s: opens, searches, builds and trains', async (name) => {
    const { stdout, stderr } = await run(NODE[name], ['single.cjs', DATA], { cwd: ALONE })
    expect(stderr).toBe('')
    const { opened, searched, built } = JSON.parse(stdout)
    expectOpened(opened)
    expectOpened(searched)
    expectBuilt(built)
    expect(built.trainedSum).toBe(expected().trainedSum)
  })
})
