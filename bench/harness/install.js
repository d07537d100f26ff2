// @ts-check
/** Peers, each set of packages in a folder of its own below bench/.cache/peers, never in the project. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CACHE } from './data.js'

const run = promisify(execFile)
/** Compiling a native module takes a minute or two. */
const LIMIT_MS = 600_000

/** @typedef {{ command: string, args: string[], env: Record<string, string>, versions: Record<string, string> }} Runtime */

/**
 * How to start an engine's script, its packages installed first where they are not.
 * @param {import('../engines/catalog.js').Engine} engine
 * @returns {Promise<Runtime>}
 * @throws an error with the last lines of the installer, where a package cannot be had.
 */
export async function runtimeOf({ from, packages, script }) {
  const path = fileURLToPath(new URL(`../engines/${script}`, import.meta.url))
  const node = { command: process.execPath, args: ['--expose-gc', path] }
  if (from === 'own') return { ...node, env: {}, versions: {} }
  const { folder, versions } = await installed(from, packages)
  if (from === 'npm') return { ...node, env: { PEER_FOLDER: folder }, versions }
  return { command: join(folder, PYTHON), args: [path], env: {}, versions }
}

/**
 * A Python with some packages.
 * @param {string[]} packages
 * @returns {Promise<{ python: string }>}
 */
export async function virtualEnvironment(packages) {
  const { folder } = await installed('PyPI', packages)
  return { python: join(folder, PYTHON) }
}

/** Where a virtual environment has its interpreter. */
const PYTHON = 'venv/bin/python'

/** @param {'npm' | 'PyPI'} from @param {string[]} packages @returns {Promise<{ folder: string, versions: Record<string, string> }>} */
async function installed(from, packages) {
  const folder = join(CACHE, 'peers', packages.join('+').replaceAll(/[^\w.+-]+/g, '-'))
  const done = join(folder, 'installed.json')
  if (!existsSync(done)) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const found = await (from === 'npm' ? installNpm(folder, packages) : installPypi(folder, packages))
    writeFileSync(done, JSON.stringify(found))
  }
  return { folder, versions: JSON.parse(readFileSync(done, 'utf8')) }
}

/** @param {string} command @param {string[]} args @param {string} cwd */
async function quietly(command, args, cwd) {
  // Without a network they would try again for minutes.
  const env = { ...process.env, npm_config_fetch_retries: '0', PIP_RETRIES: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' }
  try {
    return await run(command, args, { cwd, env, timeout: LIMIT_MS, maxBuffer: 1 << 26 })
  } catch (error) {
    const { stderr, message } = /** @type {Error & { stderr?: string }} */ (error)
    const lines = (stderr || message).split('\n').filter((line) => /error/i.test(line))
    // Results are shared: they name no folder of this machine.
    const said = lines.slice(0, 3).join(' ').replaceAll(cwd, '.').slice(0, 300)
    throw new Error(`${basename(command)} ${args.slice(0, 3).join(' ')}: ${said || message.split('\n')[0]}`)
  }
}

/** @param {string} folder @param {string[]} packages */
async function installNpm(folder, packages) {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  await quietly('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages], folder)
  return Object.fromEntries(
    packages.map((spec) => {
      const name = spec.slice(0, spec.lastIndexOf('@'))
      const manifest = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')
      return [name, JSON.parse(manifest).version]
    }),
  )
}

/** @param {string} folder @param {string[]} packages */
async function installPypi(folder, packages) {
  await quietly('python3', ['-m', 'venv', 'venv'], folder)
  const python = join(folder, PYTHON)
  await quietly(python, ['-m', 'pip', 'install', '--quiet', ...packages], folder)
  const { stdout } = await quietly(python, ['-m', 'pip', 'list', '--format=json'], folder)
  const listed = /** @type {{ name: string, version: string }[]} */ (JSON.parse(stdout))
  const wanted = packages.map((spec) => spec.split('==')[0])
  const { stdout: version } = await quietly(python, ['-c', 'import platform; print(platform.python_version())'], folder)
  const versions = listed.filter(({ name }) => wanted.includes(name)).map(({ name, version }) => [name, version])
  return Object.fromEntries([['python', version.trim()], ...versions])
}
