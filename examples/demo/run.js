// @ts-check
/** `npm run demo`: builds the package where that has not been done yet, then runs the demo. */
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)

/**
 * Time of the last change of a file, or of any file of a folder; 0 where there is none.
 * @param {string} name
 * @returns {number}
 */
function changed(name) {
  const url = new URL(name, root)
  const found = statSync(url, { throwIfNoEntry: false })
  if (!found?.isDirectory()) return found?.mtimeMs ?? 0
  return Math.max(0, ...readdirSync(url).map((entry) => changed(`${name}/${entry}`)))
}

const built = Math.min(changed('build/index.js'), changed('build/wasm/binaries.js'))
if (built < Math.max(changed('src'), changed('assembly'))) {
  const { status } = spawnSync('npm run build', { cwd: fileURLToPath(root), stdio: 'inherit', shell: true })
  if (status !== 0) process.exit(status ?? 1)
}
await import('./demo.js')
