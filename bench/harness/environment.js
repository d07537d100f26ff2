// @ts-check
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What a result depends on beside its settings. */
export function environment() {
  return (known ??= look())
}

/** @type {ReturnType<typeof look> | undefined} */
let known

function look() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
    node: process.version,
    commit: commit(),
    library: libraryDigest(),
  }
}

/** Results of another machine or runtime are other results. */
export function machine() {
  const { cpu, cores, node } = environment()
  return `${cpu}, ${cores} cores, ${node}`
}

/** The commit, with a + where the working tree differs from it; `unknown` outside a clone. */
function commit() {
  const git = (/** @type {string[]} */ ...args) =>
    execFileSync('git', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const changed = git('status', '--porcelain', '--', 'src', 'assembly').toString().trim() !== ''
    return git('rev-parse', '--short=12', 'HEAD').toString().trim() + (changed ? '+' : '')
  } catch {
    return 'unknown'
  }
}

/** @type {string | undefined} */
let digest
/** The built library in eight digits: what ran, whatever git says. */
export function libraryDigest() {
  if (digest !== undefined) return digest
  const hash = createHash('sha256')
  const build = join(ROOT, 'build')
  const files = readdirSync(build, { recursive: true, encoding: 'utf8' }).filter((file) => /\.(js|wasm)$/.test(file))
  for (const file of files.sort()) hash.update(file).update(readFileSync(join(build, file)))
  return (digest = hash.digest('hex').slice(0, 8))
}
