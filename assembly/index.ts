export { chooseByPrice, regrets } from './assign'
export {
  addLogSoftmax,
  countAbove,
  expandChildren,
  scoreChildren,
  scoreChildrenInt,
  selectBest,
  selectBytes,
  sortBytes,
  sortNodes,
} from './beam'
export {
  codeTables,
  countEntries,
  countScores,
  encodeBlock,
  leafBases,
  placePositions,
  positionBytes,
  quantize,
  scanCodes,
  selectScores,
  subtract,
} from './codes'
export { distances, distancesAt } from './distance'
export { dots, dotsAt } from './dots'
export { heapBase } from './memory'
export { addNorm } from './neural'
export { allFinite, squaredNorms, widen } from './rows'
export { clearSeen, scanEntries, scanRows } from './scan'
export { heapBytes, heapOffer, heapReset, heapSort } from './topk'
