/** The kernels that opening and searching call; `batl/search` carries no others. */
export { addLogSoftmax, expandChildren, scoreChildren, scoreChildrenInt, selectBest, selectBytes } from './beam'
export {
  countEntries,
  countScores,
  offerRows,
  placePositions,
  placeScores,
  positionBytes,
  selectScores,
} from './candidates'
export { codeTables, leafBases, quantize, scanCodes, subtract } from './codes'
export { distances } from './distance'
export { dots } from './dots'
export { hashBlocks, hashEnd, hashShort, hashStart } from './hash'
export { heapBase } from './memory'
export { addNorm } from './neural'
export { allFinite } from './rows'
export { clearSeen, scanEntries, scanRows } from './scan'
export { heapBytes, heapReset, heapSort } from './topk'
export { touchRows } from './touch'
