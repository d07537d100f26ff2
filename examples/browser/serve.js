// @ts-check
/**
 * Serves a folder: `node examples/browser/serve.js site`. Any static server does. The two headers isolate the page, so that
 * `searchBatch` may use threads; without them the same page searches on one thread.
 */
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'

/** @type {Record<string, string>} */
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.batl': 'application/octet-stream' }
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

const folder = process.argv[2] ?? 'site'
const server = createServer((request, response) => {
  // A normalised absolute path has no way out of the folder.
  const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname))
  const file = join(folder, path.endsWith('/') ? `${path}index.html` : path)
  if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end('not found')
  response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', ...ISOLATED })
  return createReadStream(file).pipe(response)
})
server.listen(Number(process.env['PORT'] ?? 8080), 'localhost', () => console.log('serving', folder, server.address()))
