import { InvalidArgumentError } from './errors.js'
import type { AbortSignalLike, UrlLike } from './globals.js'
import { wrong } from './kinds.js'

/** How near two vectors are: squared Euclidean distance, inner product (larger is nearer), or cosine similarity. */
export type Metric = 'l2' | 'ip' | 'cosine'
/** The model that scores a node's children for a query. */
export type Router = 'linear' | 'residual' | 'seq2seq'
/** The type of a component: IEEE single or half precision, or an integer of 8 bits. */
export type RowType = 'f32' | 'f16' | 'u8' | 'i8'
/** What a build is doing. */
export type Phase = 'read' | 'partition' | 'labels' | 'train' | 'update' | 'encode' | 'tune'

/** Rows, row-major. A flat array needs `dim`; `Uint16Array` (f16 bits), `ArrayBuffer` and Node's `Buffer` also need `type`. */
export type Rows =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | ArrayBufferLike
  | readonly (readonly number[])[]
  | readonly Float32Array[]
  | AsyncIterable<
      | Rows
      | {
          /** Rows of any form. */
          rows: Rows
          /** As many ids. */
          ids: Ids
        }
    >
  | string
  | UrlLike
/** One query: any row type, or plain numbers. */
export type Query = ArrayLike<number>
/** Ids as the caller gives them: unique numbers, bigints or strings, one a row. */
export type Ids = Uint32Array | Float64Array | BigInt64Array | readonly number[] | readonly bigint[] | readonly string[]
/** Ids as they come back: none given -> row numbers in a Uint32Array. */
export type IdArray = Uint32Array | Float64Array | BigInt64Array | string[]

/** What a build may be told; every option has a default but `dim` for a flat array. */
export interface BuildOptions {
  /** Components of a row; needed for a flat array. */
  dim?: number
  /** Type of the rows where the array does not say it. */
  type?: RowType
  /** Default `l2`. */
  metric?: Metric
  /** Unique ids, one a row; without them the row numbers serve. */
  ids?: Ids
  /** A log of real queries: routing is trained on it and on the base, and recall is tuned on it. */
  queries?: Rows
  /**
   * Type in which rows are kept for the exact comparison; default: the type in which they come, or, for float rows of more
   * than 256 components under `cosine`, steps of 10 bits. `none` keeps no rows, only ids and codes: distances are then
   * approximate, recall ends where codes do (`stats().tuned` tells where), and `get`, `searchById` and `rerank` are refused.
   * At most 4,096 rows, which are scanned without codes, are kept all the same.
   */
  storage?: RowType | 'none'
  /** Bytes of code per copy, at most half of `dim`; default: dim / 4, dim / 6 from 193 components on and for u8 rows, dim / 8 from 321 on. */
  codeBytes?: number
  /** Default `linear`. */
  router?: Router
  /** Children per inner node; default: near the square root of the leaves. */
  arity?: number
  /** Mean rows per leaf, copies not counted; default: about 70 for 50,000 rows, 94 for a million; 40 and 54 without rows. */
  leafSize?: number
  /** Largest leaf / mean leaf; 1 is exact balance. Default 1.2. */
  slack?: number
  /** Mean copies of a row, 1 to 3; extra ones go to the rows that queries miss. Default 1.5; under `ip` 1. */
  copies?: number
  /** Turns of classifier and tree update; an update that does not help on withheld queries is not kept. */
  rounds?: number
  /** Independent trees, 1 to 4. */
  trees?: number
  /** `published`: random start, seq2seq router, exact balance, several rounds, as in the paper. */
  preset?: 'default' | 'published'
  /** Where the router is trained: `auto` takes tfjs-node where it works. */
  trainer?: 'auto' | 'wasm' | 'tfjs-node'
  /** Worker threads; 0 (default): one a core. */
  threads?: number
  /** Same rows, options, seed and trainer: the same bytes. Default 1. */
  seed?: number
  /** Ends the build; it rejects with the signal's reason. */
  signal?: AbortSignalLike
  /** Called as the build goes on. */
  onProgress?: (progress: { phase: Phase; done: number; total: number }) => void
}

/** Effort: a recall to reach (default .95; 1 means every row), or probes and rerank by hand; never both. */
export type Effort =
  | {
      /** Share of the true neighbours to find, above 0 up to 1; the index looks at as few rows as that takes. */
      recall?: number
    }
  | {
      /** Leaves to visit. */
      probes: number
      /** Candidates that are compared exactly; not where the index keeps no rows. */
      rerank?: number
    }
/** How many neighbours, at which effort. */
export type SearchOptions = Effort & {
  /** Neighbours wanted; default 10. */
  k?: number
}

/** Options of `searchBatch`. */
export type BatchOptions = SearchOptions & {
  /** Components of a query, for flat arrays; that of the index where it is left out. */
  dim?: number
  /** Worker threads; 0: one a core. Default: what `open` or `build` was told. */
  threads?: number
  /** Ends the search; it rejects with the signal's reason. */
  signal?: AbortSignalLike
}

/** Options of `open` and `fromBytes`. */
export interface OpenOptions {
  /** Threads for `searchBatch` when a call does not say; 0 (default): one a core. */
  threads?: number
  /** Ends the opening; it rejects with the signal's reason. */
  signal?: AbortSignalLike
}

/** Options that shape an index, with every default filled in. */
export interface ResolvedOptions {
  readonly metric: Metric
  /** Undefined: by the rows. */
  readonly storage: RowType | undefined
  /** Whether rows are kept once the index is built. */
  readonly keepsRows: boolean
  readonly router: Router
  readonly arity: number
  /** 0: by the dimension. */
  readonly codeBytes: number
  /** Undefined: by the number of rows. */
  readonly leafSize: number | undefined
  readonly slack: number
  readonly copies: number
  readonly rounds: number
  readonly trees: number
  readonly start: 'clusters' | 'random'
  readonly trainer: 'auto' | 'wasm' | 'tfjs-node'
  readonly threads: number
  readonly seed: number
}

/** A checked `SearchOptions`. */
export interface ResolvedSearch {
  readonly k: number
  readonly recall: number | undefined
  readonly probes: number | undefined
  readonly rerank: number | undefined
}

/** Rows up to this count are scanned exactly, without a tree. */
export const EXACT_ROWS = 4096
/** Mean copies of a row when none are asked for: under the inner product few rows are ever near, and copies only weigh. */
const DEFAULT_COPIES: Readonly<Record<Metric, number>> = { l2: 1.5, ip: 1, cosine: 1.5 }

const METRICS = ['l2', 'ip', 'cosine'] as const
const ROUTERS = ['linear', 'residual', 'seq2seq'] as const
const STORAGES = ['f32', 'f16', 'u8', 'i8', 'none'] as const
const TRAINERS = ['auto', 'wasm', 'tfjs-node'] as const
const PRESETS = ['default', 'published'] as const

const BUILD_NAMES = [
  'dim',
  'type',
  'metric',
  'ids',
  'queries',
  'storage',
  'codeBytes',
  'router',
  'arity',
  'leafSize',
  'slack',
  'copies',
  'rounds',
  'trees',
  'preset',
  'trainer',
  'threads',
  'seed',
  'signal',
  'onProgress',
] as const

/** Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...new Array<number>(b.length).fill(0)])
  for (let j = 0; j <= b.length; j++) rows[0]![j] = j
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1)
      rows[i]![j] = best
    }
  }
  return rows[a.length]![b.length]!
}

/** The name of `known` nearest to `given`, or undefined when none is near. */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  const wanted = given.toLowerCase().replace(/[-_]/g, '')
  let best: string | undefined
  let least = Math.max(2, Math.floor(given.length / 3)) + 1
  for (const name of known) {
    const edits = editDistance(wanted, name.toLowerCase())
    if (edits < least) {
      least = edits
      best = name
    }
  }
  return best
}

/** Refuse options that are not an object, and names that are not in `known`. Returns those that are not undefined. */
export function knownOptions(options: unknown, known: readonly string[]): Record<string, unknown> {
  if (options === undefined) return {}
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw wrong('options', options, 'an object', ', such as { k: 10 }')
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const near = nearestName(name, known)
    const hint = near === undefined ? `known options are ${known.join(', ')}` : `did you mean '${near}'?`
    throw new InvalidArgumentError(name, `unknown option '${name}'; ${hint}`)
  }
  return given
}

/** Refuse a value that is not one of `allowed`, naming the nearest. */
export function oneOf<T extends string>(argument: string, value: unknown, allowed: readonly T[], fallback: T): T {
  if (value === undefined) return fallback
  if ((allowed as readonly unknown[]).includes(value)) return value as T
  const near = typeof value === 'string' ? nearestName(value, allowed) : undefined
  const list = allowed.map((name) => `'${name}'`).join(', ')
  throw wrong(argument, value, `one of ${list}`, near === undefined ? '' : `; did you mean '${near}'?`)
}

/** Bounds of a number: `integer` refuses fractions. */
interface Range {
  readonly min: number
  readonly max: number
  readonly integer?: boolean
}

/** Refuse a value that is not a number within the range. */
export function numberIn(argument: string, value: unknown, range: Range, fallback: number): number {
  if (value === undefined) return fallback
  const { min, max, integer = true } = range
  const fits = typeof value === 'number' && value >= min && value <= max && (!integer || Number.isInteger(value))
  if (fits) return value
  const bounds = max === Infinity || max >= 2 ** 31 ? `of at least ${min}` : `from ${min} to ${max}`
  throw wrong(argument, value, `${integer ? 'a whole number' : 'a number'} ${bounds}`)
}

/** Threads to use: 0 or nothing is one a core. */
export function resolveThreads(value: unknown, cores: number): number {
  const threads = numberIn('threads', value, { min: 0, max: 256 }, 0)
  return threads === 0 ? cores : threads
}

/** Check build options and fill in the defaults; `given` has passed through `checkBuildNames`. */
export function resolveBuildOptions(options: BuildOptions | undefined, cores: number): ResolvedOptions {
  const given = knownOptions(options, BUILD_NAMES) as BuildOptions
  const published = oneOf('preset', given.preset, PRESETS, 'default') === 'published'
  const storage = given.storage === undefined ? undefined : oneOf('storage', given.storage, STORAGES, 'f32')
  if (given.onProgress !== undefined && typeof given.onProgress !== 'function') {
    throw wrong('onProgress', given.onProgress, 'a function')
  }
  if (given.ids === null) {
    throw wrong('ids', given.ids, 'an array of numbers, bigints or strings')
  }
  checkSignal(given.signal)
  const metric = oneOf('metric', given.metric, METRICS, 'l2')
  return Object.freeze({
    metric,
    storage: storage === 'none' ? undefined : storage,
    keepsRows: storage !== 'none',
    router: oneOf('router', given.router, ROUTERS, published ? 'seq2seq' : 'linear'),
    codeBytes: given.codeBytes === undefined ? 0 : numberIn('codeBytes', given.codeBytes, { min: 1, max: 32_768 }, 1),
    arity: given.arity === undefined ? 0 : numberIn('arity', given.arity, { min: 2, max: 4096 }, 0),
    leafSize:
      given.leafSize === undefined
        ? undefined
        : numberIn('leafSize', given.leafSize, { min: 4, max: 1_000_000, integer: false }, 4),
    slack: numberIn('slack', given.slack, { min: 1, max: 4, integer: false }, published ? 1 : 1.2),
    copies: numberIn(
      'copies',
      given.copies,
      { min: 1, max: 3, integer: false },
      published ? 1 : DEFAULT_COPIES[metric],
    ),
    rounds: numberIn('rounds', given.rounds, { min: 0, max: 100 }, published ? 12 : 0),
    trees: numberIn('trees', given.trees, { min: 1, max: 4 }, 1),
    start: published ? 'random' : 'clusters',
    trainer: oneOf('trainer', given.trainer, TRAINERS, 'auto'),
    threads: resolveThreads(given.threads, cores),
    seed: numberIn('seed', given.seed, { min: 0, max: Number.MAX_SAFE_INTEGER }, 1),
  })
}

/** Refuse a signal that is none. */
export function checkSignal(signal: unknown): void {
  const looksRight =
    typeof signal === 'object' && signal !== null && 'aborted' in signal && 'addEventListener' in signal
  if (signal !== undefined && !looksRight) {
    throw wrong('signal', signal, 'an AbortSignal')
  }
}

const SEARCH_NAMES = ['k', 'recall', 'probes', 'rerank'] as const

/**
 * Check search options and fill in the defaults: k = 10, recall = .95.
 * @param more - names that this call knows besides.
 */
export function resolveSearchOptions(options: unknown, more: readonly string[] = []): ResolvedSearch {
  if (options === undefined) return DEFAULT_SEARCH
  const given = knownOptions(options, [...SEARCH_NAMES, ...more])
  const k = numberIn('k', given['k'], { min: 1, max: 2 ** 31 }, 10)
  if (given['probes'] === undefined) {
    if (given['rerank'] !== undefined) {
      throw new InvalidArgumentError('rerank', 'rerank is given without probes; give both, or a recall alone')
    }
    const recall = given['recall']
    if (recall !== undefined && !(typeof recall === 'number' && recall > 0 && recall <= 1)) {
      throw wrong('recall', recall, 'a number above 0 and up to 1')
    }
    return { k, recall: recall ?? 0.95, probes: undefined, rerank: undefined }
  }
  if (given['recall'] !== undefined) {
    throw new InvalidArgumentError('recall', 'recall and probes are two ways to say the effort; give one of them')
  }
  const probes = numberIn('probes', given['probes'], { min: 1, max: 2 ** 31 }, 1)
  const rerank =
    given['rerank'] === undefined ? undefined : numberIn('rerank', given['rerank'], { min: 1, max: 2 ** 31 }, 1)
  return { k, recall: undefined, probes, rerank }
}

const DEFAULT_SEARCH: ResolvedSearch = Object.freeze({
  k: 10,
  recall: 0.95,
  probes: undefined,
  rerank: undefined,
})
