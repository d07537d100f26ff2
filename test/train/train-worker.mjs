import { parentPort, workerData } from 'node:worker_threads'
import { trainRouter } from '../../build/train/router.js'
import { toPlainError } from '../../build/base/errors.js'

try {
  const { trainer, losses } = await trainRouter(workerData)
  parentPort.postMessage({ trainer, losses })
} catch (error) {
  parentPort.postMessage({ error: toPlainError(error) })
}
