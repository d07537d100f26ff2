import { workerData } from 'node:worker_threads'
import { setKernelModule } from '../kernels/load.js'
import type { WorkerData } from './messages.js'

/** The file of a worker thread that searches: it can do nothing else. */

setKernelModule((workerData as WorkerData).module)

export * from './search-worker.js'
