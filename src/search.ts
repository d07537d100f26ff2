/** Open and search, and nothing else: no building, no training. @packageDocumentation */
// First, so that the kernels' text comes first in a bundle: gzip looks back 32 KB, of which it is most.
export { init, type InitOptions } from './init.js'
export { BatlIndex } from './search-index.js'
export {
  BatlError,
  CapacityError,
  ClosedError,
  DimensionMismatchError,
  FormatError,
  InvalidArgumentError,
  UnsupportedError,
  VersionError,
  type ErrorCode,
} from './base/errors.js'
export type {
  BatchOptions,
  Effort,
  IdArray,
  Ids,
  Metric,
  OpenOptions,
  Phase,
  Query,
  Router,
  Rows,
  RowType,
  SearchOptions,
} from './base/options.js'
export type { BatchResult, Evaluation, SearchResult, Stats } from './base/answers.js'
