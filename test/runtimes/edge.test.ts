import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { expected, expectOpened, type Opened } from './expected.js'
import { APP, DATA, tool } from './places.js'

/** workerd, in Miniflare, on a bundle made the way that Wrangler makes it. */
describe('workerd', () => {
  let server: Server
  let miniflare: ChildProcess
  let address: string
  const site = `${APP}edge-dist/`

  beforeAll(async () => {
    rmSync(site, { recursive: true, force: true })
    const flags = ['--bundle', '--format=esm', '--conditions=workerd,worker,browser', '--loader:.wasm=copy']
    execFileSync(`${tool('esbuild')}/bin/esbuild`, ['edge.js', ...flags, `--outdir=${site}`, '--metafile=edge.json'], {
      cwd: APP,
      stdio: 'pipe',
    })
    server = createServer(({ url }, response) => response.end(readFileSync(`${DATA}${url!.slice(1)}`)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const data = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    // In a process of its own: Jest's modules are not those that Miniflare expects.
    const program = `
      import { Miniflare } from ${JSON.stringify(`${tool('miniflare')}/dist/src/index.js`)}
      const site = ${JSON.stringify(site)}
      const modules = ${JSON.stringify(readdirSync(site).sort((a) => (a === 'edge.js' ? -1 : 1)))}
      const type = (name) => (name.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule')
      const miniflare = new Miniflare({
        modulesRoot: site,
        modules: modules.map((name) => ({ type: type(name), path: site + name })),
        compatibilityDate: '2026-07-01',
        bindings: { DATA: ${JSON.stringify(data)} },
      })
      console.log(String(await miniflare.ready))
      process.stdin.on('end', () => miniflare.dispose()).resume()`
    miniflare = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    ;[address] = (await once(createInterface({ input: miniflare.stdout! }), 'line')) as [string]
  })
  afterAll(async () => {
    const ended = once(miniflare, 'close')
    miniflare.stdin!.end()
    await ended
    server.closeAllConnections()
    server.close()
  })

  const ask = async <T>(path: string): Promise<T> => (await fetch(new URL(path, address))).json() as Promise<T>

  test('brings no trainer along', () => {
    const { inputs, outputs } = JSON.parse(readFileSync(`${APP}edge.json`, 'utf8'))
    expect(Object.keys(inputs).filter((name) => /@tensorflow|piscina|trainer|train\/router/.test(name))).toEqual([])
    expect(Object.keys(inputs).some((name) => name.endsWith('train/unsupported.js'))).toBe(true)
    const imports = Object.values<{ imports: { path: string }[] }>(outputs).flatMap((output) => output.imports)
    expect(imports.filter(({ path }) => !/\.wasm$/.test(path))).toEqual([])
    expect(readdirSync(site).filter((name) => name.endsWith('.wasm')).length).toBe(2)
  })

  test.each(['/opening', '/searching', '/init'])(
    '%s: opens the index of Node, and refuses broken files',
    async (path) => {
      const opened = await ask<Opened & { error?: string }>(path)
      expect(opened.error).toBeUndefined()
      expectOpened(opened)
    },
  )

  test('builds 500 rows, and says that it cannot train for 10,000', async () => {
    const { smallSum, error } = await ask<{ smallSum: number; error: Opened['broken'] }>('/building')
    expect(smallSum).toBe(expected().smallSum)
    expect(error).toMatchObject({ code: 'BATL_UNSUPPORTED', name: 'UnsupportedError' })
    expect(error.message).toMatch(/cannot train/)
  })
})
