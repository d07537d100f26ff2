import { cannotTrain } from '../base/unsupported.js'
import { Pace } from '../format/pace.js'
import { HerePool } from '../pool/here.js'
import type * as node from './threads-node.js'

/** At the edge there is one thread, and nothing that trains (`#threads` in package.json). */

export const openPool: typeof node.openPool = async (_threads, memory, signal) => {
  return new HerePool(memory, new Pace(signal))
}

export const direct: typeof node.direct = async () => {
  throw cannotTrain()
}
