import { dropWork } from './arenas.js'
import type { WorkerPool } from './pool.js'

/**
 * Collect this thread's garbage at once, where its runtime tells how: in Node, as developer tools ask for it. A collector does not
 * see the size of shared memory, so one that nothing refers to any more stays for as long as its threads make little else.
 */
export async function collectGarbage(): Promise<void> {
  try {
    const inspector = globalThis.process?.getBuiltinModule?.('node:inspector')
    if (inspector === undefined) return
    const session = new inspector.Session()
    session.connect()
    await new Promise((done) => session.post('HeapProfiler.collectGarbage', done))
    session.disconnect()
  } catch {
    // A runtime without it gives the memory back later.
  }
}

/** Forget what this thread, one of the library's own, keeps for steps of a build that are done, and give it back. */
export async function restThread(): Promise<void> {
  dropWork()
  await collectGarbage()
}

/** The same on all threads of a pool, none of which has a task: each takes one of as many. */
export async function restPool(pool: WorkerPool): Promise<void> {
  await Promise.all(Array.from({ length: pool.threads }, async () => pool.run('rest', undefined)))
}
