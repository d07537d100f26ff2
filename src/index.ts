/** Learned balanced tree index for vector search: everything public. @packageDocumentation */
export { BatlIndex, type BatchOptions } from './batl.js'
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
  BuildOptions,
  Effort,
  IdArray,
  Ids,
  Metric,
  Phase,
  Query,
  Router,
  Rows,
  RowType,
  SearchOptions,
} from './base/options.js'
export { exactSearch, type ExactOptions } from './exact.js'
export { readVectors } from './io/vectors.js'
export type { BatchResult, SearchResult } from './result.js'
export type { OpenOptions } from './open.js'
export type { Stats } from './stats.js'
export type { Evaluation } from './search/evaluate.js'
