export { chooseLeaves, margins } from './assign'
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
  countEntries,
  countScores,
  offerRows,
  placePositions,
  placeScores,
  positionBytes,
  selectScores,
} from './candidates'
export { codeTables, encodeBlock, leafBases, quantize, scanCodes, subtract } from './codes'
export { distances, distancesAt } from './distance'
export { dots, dotsAt } from './dots'
export { hashBlocks, hashEnd, hashShort, hashStart } from './hash'
export { heapBase } from './memory'
export { nearTiles, shiftRows, shortenLists, widenIntegers } from './near'
export { addNorm } from './neural'
export { allFinite, squaredNorms, widen } from './rows'
export { clearSeen, scanEntries, scanRows } from './scan'
export { heapBytes, heapOffer, heapReset, heapSort } from './topk'
