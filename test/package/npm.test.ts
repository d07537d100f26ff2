import { describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { CACHE, NODE, TARBALL, tool } from '../runtimes/places.js'

const run = promisify(execFile)
const PROGRAM = `
  import { BatlIndex } from 'batl'
  const index = await BatlIndex.build([[1, 2], [3, 4]])
  console.log([...index.search([3, 4]).ids].join())
  await index.close()`

/** Each npm with a Node that it runs on; npm 12 runs no scripts of dependencies unless told to, npm 11 is told not to. */
describe.each([
  ['npm 11', 'npm11', 'Node 20.19', ['--ignore-scripts']],
  ['npm 12', 'npm12', 'Node 24', []],
] as const)('%s', (name, npm, node, flags) => {
  test('installs the tarball with scripts blocked; library and command line work, and no audit or engine complains', async () => {
    const folder = `${CACHE}${npm}/`
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
    writeFileSync(`${folder}package.json`, '{ "private": true, "type": "module" }\n')
    const env = { ...process.env, PATH: `${dirname(NODE[node])}:${process.env['PATH']}` }
    const call = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
      run(NODE[node], [`${tool(npm)}/bin/npm-cli.js`, ...args], { cwd: folder, env })
    expect((await call('--version')).stdout).toMatch(new RegExp(`^${name.slice(4)}\\.`))
    const { stderr } = await call('install', ...flags, '--no-audit', '--no-fund', TARBALL)
    expect(stderr).not.toMatch(/npm (error|warn) (?!Unknown)/i)
    expect((await run(NODE[node], ['--input-type=module', '--eval', PROGRAM], { cwd: folder })).stdout.trim()).toBe(
      '1,0',
    )
    expect((await run(`${folder}node_modules/.bin/batl`, ['--version'], { cwd: folder, env })).stdout).toMatch(/^\d+\./)
  })
})
