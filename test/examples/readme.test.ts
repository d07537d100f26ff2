import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```js\n([^]*?)^```/gm)].map((match) => match[1] ?? '')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'batl-readme-'))
  await mkdir(join(folder, 'node_modules'))
  await symlink(root, join(folder, 'node_modules', 'batl'), 'junction')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('README', () => {
  test('its programs run as they stand, one after the other', async () => {
    expect(blocks.length).toBeGreaterThanOrEqual(2)
    for (const [number, code] of blocks.entries()) {
      const file = join(folder, `block-${number}.mjs`)
      await writeFile(file, code)
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { cwd: folder })
      expect(stderr).toBe('')
      expect(stdout).toMatch(/\[/)
    }
  })

  test('its links to files lead somewhere', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => match[1] ?? '')
    expect(links).toContain('FORMAT.md')
    expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([])
  })

  test('it names every command of the command line', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'build', 'bin.js'), '--help'])
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map((match) => match[1])
    expect(commands).toHaveLength(5)
    for (const command of commands) expect(readme).toContain(`\nbatl ${command} `)
  })
})
