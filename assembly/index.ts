export { chooseLeaves, margins } from './assign'
export {
  addLogSoftmax,
  countAbove,
  expandChildren,
  scoreChildren,
  selectBest,
  selectBytes,
  sortBytes,
  sortNodes,
} from './beam'
export { distances, distancesAt } from './distance'
export { dots, dotsAt } from './dots'
export { heapBase } from './memory'
export { nearTiles, shiftRows, shortenLists, widenIntegers } from './near'
export { addNorm } from './neural'
export { allFinite, squaredNorms, widen } from './rows'
export { clearSeen, scanEntries, scanRows } from './scan'
export { heapBytes, heapOffer, heapReset, heapSort } from './topk'
