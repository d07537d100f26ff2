// @ts-check
/** Saved indexes of all engines, in bench/.cache/indexes: built once, then reopened. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { CACHE } from './data.js'
import { libraryDigest } from './environment.js'
import { EngineProcess } from './engine-process.js'

/**
 * @typedef {{ folder: string, settings: Record<string, unknown>, threads: number, seconds: number, peakBytes: number,
 *   fileBytes: number, info: any, library: string }} Built
 */

/**
 * The index of an engine, built in a process of its own where there is none.
 * @param {{ name: string, from: string, settings: Record<string, unknown>, set: import('./data.js').PreparedSet,
 *   runtime: import('./install.js').Runtime, threads?: number, keep?: boolean }} job - `keep`: take an index of ours that
 * another build of the library made.
 * @returns {Promise<Built>}
 */
export async function builtIndex({
  name,
  from,
  settings,
  set,
  runtime,
  threads = availableParallelism(),
  keep = false,
}) {
  const of = JSON.stringify([name, settings, runtime.versions, threads])
  const hash = createHash('sha256').update(of).digest('hex').slice(0, 8)
  const folder = join(CACHE, 'indexes', set.id, `${name}-${hash}`)
  const done = join(folder, 'built.json')
  const library = from === 'own' ? libraryDigest() : ''
  if (existsSync(done)) {
    const built = /** @type {Built} */ (JSON.parse(readFileSync(done, 'utf8')))
    if (keep || built.library === library) return built
  }
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const engine = new EngineProcess(runtime, threads)
  try {
    const { seconds, peakBytes, info } = await engine.ask({ op: 'build', set, settings, threads, folder })
    const { fileBytes } = info
    /** @type {Built} */
    const built = { folder, settings, threads, seconds, peakBytes, fileBytes, info, library }
    writeFileSync(done, JSON.stringify(built))
    return built
  } finally {
    await engine.end()
  }
}
