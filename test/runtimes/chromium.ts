import { spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import type { Built, Opened } from './expected.js'
import { DATA, TOOLS } from './places.js'

/** What a page of programs/ sends home. */
export interface PageResult {
  isolated: boolean
  workers: string[]
  violations: string[]
  error?: string
  /** Paths that the page asked for. */
  requests: string[]
  opened?: Opened
  built?: Built
}

/** How a page is served. */
export interface Visit {
  /** Folder of the page. */
  site: string
  /** Whether with the headers of cross-origin isolation. */
  isolated: boolean
  /** A Content-Security-Policy. */
  policy?: string
  /** What follows the address. */
  query?: string
  /** Folders beside the page, by their first part of the path. */
  folders?: Record<string, string>
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
}
const CHROMIUM = '/usr/bin/chromium'
const LONGEST_MS = 240_000

function serveFile(visit: Visit, request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url!, 'http://localhost')
  const folders: Record<string, string> = { data: DATA, ...visit.folders }
  const [, first = '', ...rest] = normalize(pathname).split('/')
  const file = first in folders ? join(folders[first]!, ...rest) : join(visit.site, first || 'index.html', ...rest)
  if (!existsSync(file) || !statSync(file).isFile()) {
    response.writeHead(404).end()
    return
  }
  response.writeHead(200, {
    'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
    'Cache-Control': 'no-store',
    ...(visit.isolated
      ? { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
      : {}),
    ...(visit.policy === undefined ? {} : { 'Content-Security-Policy': visit.policy }),
  })
  response.end(readFileSync(file))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}

/** Open a page of localhost in Debian's Chromium, without a window, and return what it sends home. */
export async function visitPage(visit: Visit): Promise<PageResult> {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no ${CHROMIUM}; install Debian's package chromium`)
  let arrived: (result: PageResult) => void = () => undefined
  const result = new Promise<PageResult>((resolve) => (arrived = resolve))
  const requests: string[] = []
  const server = createServer((request, response) => {
    if (request.method !== 'POST') {
      requests.push(request.url!)
      return serveFile(visit, request, response)
    }
    void bodyOf(request).then((body) => {
      response.end()
      arrived({ ...(JSON.parse(body) as PageResult), requests })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const profile = await mkdtemp(join(tmpdir(), 'batl-chromium-'))
  const { port } = server.address() as AddressInfo
  const address = `http://localhost:${port}/${visit.query ?? ''}`
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run']
  const chromium = spawn(CHROMIUM, [...flags, '--enable-logging=stderr', `--user-data-dir=${profile}`, address], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: TOOLS,
  })
  let said = ''
  chromium.stderr.on('data', (text) => (said = (said + String(text)).slice(-4000)))
  const ended = new Promise<void>((resolve) => chromium.once('close', () => resolve()))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the page sent nothing home; Chromium said:\n${said}`)), LONGEST_MS)
  })
  try {
    return await Promise.race([result, late])
  } finally {
    clearTimeout(timer)
    chromium.kill('SIGKILL')
    await ended
    server.closeAllConnections()
    server.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}
