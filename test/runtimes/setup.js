/**
 * Before the tests of the packed package: installs the runtimes and tools, packs the package, installs the tarball as a
 * user would, and has Node build the index that every runtime opens.
 */
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { APP, CACHE, DATA, PAGES, ROOT, TARBALL, TOOLS } from './places.js'

const QUIET = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']

/** @param {string} folder @param {string[]} args */
function npm(folder, ...args) {
  return execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Install the tools, unless those of the same lock file are there. */
function installTools() {
  const from = new URL('tools/', import.meta.url)
  const wanted = readFileSync(new URL('package-lock.json', from), 'utf8')
  const stamp = `${TOOLS}node_modules/.installed`
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  mkdirSync(TOOLS, { recursive: true })
  for (const name of ['package.json', 'package-lock.json', '.npmrc'])
    copyFileSync(new URL(name, from), `${TOOLS}${name}`)
  npm(TOOLS, 'ci', ...QUIET)
  writeFileSync(stamp, wanted)
}

/** Pack what is built: the scripts would build it once more. */
function pack() {
  if (!existsSync(`${ROOT}build/index.js`)) throw new Error('there is no build; run npm run build first')
  const name = npm(ROOT, 'pack', '--ignore-scripts', '--silent', '--pack-destination', CACHE).trim()
  renameSync(`${CACHE}${name}`, TARBALL)
}

function installPackage() {
  rmSync(APP, { recursive: true, force: true })
  mkdirSync(APP, { recursive: true })
  writeFileSync(`${APP}package.json`, '{ "private": true, "type": "module" }\n')
  npm(APP, 'install', ...QUIET, TARBALL)
  const folder = new URL('programs/', import.meta.url)
  for (const name of readdirSync(folder)) copyFileSync(new URL(name, folder), `${APP}${name}`)
}

export default function setup() {
  mkdirSync(CACHE, { recursive: true })
  installTools()
  pack()
  installPackage()
  for (const folder of [DATA, PAGES]) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
  }
  execFileSync(process.execPath, ['prepare.js', DATA], { cwd: APP, stdio: 'inherit' })
}
