import { parentPort, workerData } from 'node:worker_threads'
import { trainRouter } from '../../build/train/router.js'
import { toPlainError } from '../../build/base/errors.js'

try {
  const { trainer, losses, tables } = await trainRouter(workerData)
  parentPort.postMessage({ trainer, losses, tables })
} catch (error) {
  parentPort.postMessage({ error: toPlainError(error) })
}
