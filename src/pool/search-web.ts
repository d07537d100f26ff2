import { kernelsShare } from '../kernels/load.js'
import { PortPool, startWorkers } from './ports.js'
import type { WorkerPool } from './pool.js'

/**
 * Threads that search, where there are Web Workers or none; undefined where they cannot start: without shared memory, or
 * where a bundler left the worker's file behind.
 */
export async function openSearchPool(threads: number): Promise<WorkerPool | undefined> {
  if (!kernelsShare()) return undefined
  const workers = await startWorkers(
    threads,
    () => new Worker(new URL('../search-worker.js', import.meta.url), { type: 'module' }),
  )
  return workers === undefined ? undefined : new PortPool(workers)
}
