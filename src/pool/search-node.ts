import { hooks } from '../base/hooks.js'
import { PiscinaPool } from './piscina.js'
import { startWorkers, PortPool } from './ports.js'
import type { WorkerPool } from './pool.js'

/** Threads that search, in Node, Bun and Deno; undefined where they cannot start. `search-web.ts` is its counterpart. */
export async function openSearchPool(threads: number): Promise<WorkerPool | undefined> {
  if (hooks.worker === undefined) {
    return PiscinaPool.start(() => new URL('./piscina-search.js', import.meta.url), { threads })
  }
  const workers = await startWorkers(threads, hooks.worker)
  return workers === undefined ? undefined : new PortPool(workers)
}
