import { workerData } from 'node:worker_threads'
import { setKernelModule } from '../kernels/load.js'
import type { WorkerData } from './messages.js'

/** The file of a worker thread that builds. */

setKernelModule((workerData as WorkerData).module)

export * from './worker.js'
