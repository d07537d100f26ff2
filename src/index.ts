/** Learned balanced tree index for vector search: everything public. @packageDocumentation */
export { BatlIndex } from './batl.js'
export { init, type InitOptions } from './init.js'
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
  BuildOptions,
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
export { exactSearch, type ExactOptions } from './exact.js'
export { readVectors, type Vectors } from './io/vectors.js'
