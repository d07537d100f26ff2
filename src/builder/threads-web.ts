import { Pace } from '../format/pace.js'
import { kernelsShare } from '../kernels/load.js'
import { HerePool, type NamedArena } from '../pool/here.js'
import type { WorkerPool } from '../pool/pool.js'
import { PortPool, startWorkers } from '../pool/ports.js'
import type { DirectorOutput, DirectorTask, ProgressMessage } from './director.js'
import { directHere } from './here.js'
import { directOverPorts } from './threads-ports.js'

/** How a build gets its threads where there are Web Workers (`#threads` in package.json); one thread silently without. */

function startOwn(): Worker {
  return new Worker(new URL('../full-worker.js', import.meta.url), { type: 'module' })
}

/** A pool for work on one memory. */
export async function openPool(
  threads: number,
  memory: NamedArena,
  signal: AbortSignal | undefined,
): Promise<WorkerPool> {
  const workers = kernelsShare() ? await startWorkers(threads, startOwn) : undefined
  return workers === undefined ? new HerePool(memory, new Pace(signal)) : new PortPool(workers)
}

/** Run the director in a worker of its own, which is ended with its workers when it is done, fails or is aborted. */
export async function direct(
  task: DirectorTask,
  memory: NamedArena,
  signal: AbortSignal | undefined,
  say: (message: ProgressMessage) => void,
): Promise<DirectorOutput> {
  const output = kernelsShare() ? await directOverPorts(task, startOwn, signal, say) : undefined
  return output ?? directHere(task, memory, signal, say)
}
