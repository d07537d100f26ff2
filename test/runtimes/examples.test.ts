import { beforeAll, describe, expect, test } from '@jest/globals'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { visitPage } from './chromium.js'
import { APP, BUN, DENO, PAGES, ROOT, tool } from './places.js'

const run = promisify(execFile)
const folder = `${APP}examples/`

/** The examples as a user copies them: beside an installed package. */
beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  for (const name of ['browser', 'bun', 'deno', 'demo/data'])
    cpSync(`${ROOT}examples/${name}`, `${folder}${name}`, { recursive: true })
})

/** The row itself, then rows of its own centre. */
function expectNeighbours(stdout: string): void {
  const lines = stdout.trimEnd().split('\n').slice(-5)
  expect(lines).toHaveLength(5)
  expect(lines[0]).toMatch(/^row 42 at distance -?0\.0000$/)
  for (const line of lines) expect(Number(/^row (\d+) at distance \d/.exec(line.replace('-', ''))?.[1]) % 100).toBe(42)
}

test('examples/deno builds, and searches with the right to read alone', async () => {
  const file = `${PAGES}deno.batl`
  const rights = ['--allow-read', '--allow-write', '--allow-env', '--allow-sys']
  const options = { cwd: APP }
  await run(DENO, ['run', '--no-prompt', '--no-lock', ...rights, 'examples/deno/build.js', file], options)
  const { stdout } = await run(
    DENO,
    ['run', '--no-prompt', '--no-lock', '--allow-read', 'examples/deno/search.js', file],
    options,
  )
  expectNeighbours(stdout)
})

test('examples/bun builds and searches', async () => {
  const { stdout } = await run(BUN, ['examples/bun/search.js', `${PAGES}bun.batl`], { cwd: APP })
  expectNeighbours(stdout)
})

/** What a visitor would do, and what the page then shows. */
const VISITOR = `
  const shown = (part) => document.querySelector(part).textContent
  const until = async (done) => { while (!done()) await new Promise((resolve) => setTimeout(resolve, 20)) }
  const search = async (word) => {
    document.querySelector('output').textContent = ''
    document.querySelector('input').value = word
    document.querySelector('button').click()
    await until(() => shown('output') !== '')
    return { output: shown('output'), items: [...document.querySelectorAll('li')].map((item) => item.textContent) }
  }
  await until(() => shown('output') !== 'loading')
  const loaded = shown('output')
  const result = { loaded, found: await search(new URLSearchParams(location.search).get('word')), none: await search('qqq') }
  await fetch('/result', { method: 'POST', body: JSON.stringify(result) })
`

describe('examples/browser', () => {
  const site = `${PAGES}example/`
  beforeAll(async () => {
    rmSync(site, { recursive: true, force: true })
    mkdirSync(site, { recursive: true })
    await run(process.execPath, ['examples/browser/make-index.js', `${site}words.batl`], { cwd: APP })
    const args = ['examples/browser/page.js', '--bundle', '--format=esm', `--outfile=${site}page.js`]
    await run(`${tool('esbuild')}/bin/esbuild`, [...args, '--log-level=error'], { cwd: APP })
    const html = readFileSync(`${ROOT}examples/browser/index.html`, 'utf8')
    writeFileSync(`${site}visitor.js`, VISITOR)
    writeFileSync(
      `${site}index.html`,
      html.replace('</head>', '<script type="module" src="visitor.js"></script></head>'),
    )
  })

  test.each([true, false])('shows the words near a word, isolated: %s', async (isolated) => {
    const page = (await visitPage({ site, isolated, query: '?word=music' })) as unknown as {
      loaded: string
      found: { output: string; items: string[] }
      none: { output: string; items: string[] }
    }
    expect(page.loaded).toBe('4000 words')
    expect(page.found.items).toHaveLength(10)
    expect(page.found.items.join()).toMatch(/song.*dance/)
    expect(page.found.output).toMatch(/^\d+\.\d ms$/)
    expect(page.none).toEqual({ output: "'qqq' is not among the 4000 words", items: [] })
  })

  test('is served by its own server', async () => {
    const server = spawn(process.execPath, [`${folder}browser/serve.js`, site], {
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const [text] = (await once(server.stdout, 'data')) as [Buffer]
      const port = /port: (\d+)/.exec(String(text))?.[1]
      const answer = await fetch(`http://localhost:${port}/`)
      expect(answer.headers.get('cross-origin-embedder-policy')).toBe('require-corp')
      expect(await answer.text()).toContain('Words near a word')
      expect((await fetch(`http://localhost:${port}/words.batl`)).status).toBe(200)
      expect((await fetch(`http://localhost:${port}/..%2f..%2fpackage.json`)).status).toBe(404)
    } finally {
      server.kill()
    }
  })
})
