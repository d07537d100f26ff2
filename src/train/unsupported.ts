import { cannotTrain } from '../base/unsupported.js'
import type * as router from './router.js'

/** In place of `router.ts` where a runtime cannot train (`#trainer` in package.json). */
export const runTraining: typeof router.runTraining = async () => {
  throw cannotTrain()
}

export const prepareTrainer: typeof router.prepareTrainer = async () => {
  throw cannotTrain()
}
