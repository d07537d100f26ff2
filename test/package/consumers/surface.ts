/** A program against the packed types: what must compile, and, behind `@ts-expect-error`, what must not. */
import {
  BatlError,
  BatlIndex,
  CapacityError,
  ClosedError,
  DimensionMismatchError,
  exactSearch,
  FormatError,
  init,
  InvalidArgumentError,
  readVectors,
  UnsupportedError,
  VersionError,
  type BatchResult,
  type BuildOptions,
  type Effort,
  type ErrorCode,
  type Evaluation,
  type IdArray,
  type Ids,
  type InitOptions,
  type Metric,
  type OpenOptions,
  type Phase,
  type Query,
  type Router,
  type Rows,
  type RowType,
  type SearchOptions,
  type SearchResult,
  type Stats,
} from 'batl'
import { BatlIndex as SearchIndex, FormatError as SearchFormatError, init as searchInit } from 'batl/search'
import { serve } from 'batl/worker'

/** Fails to compile unless two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_same: Same<A, B>): void {}

export async function everyId(rows: Float32Array): Promise<void> {
  const numbers = await BatlIndex.build(rows, { dim: 2 })
  same<typeof numbers, BatlIndex<Uint32Array>>(true)
  const strings = await BatlIndex.build(rows, { dim: 2, ids: ['a', 'b'] })
  same<typeof strings, BatlIndex<string[]>>(true)
  const given = await BatlIndex.build(rows, { dim: 2, ids: [4, 2] })
  same<typeof given, BatlIndex<Float64Array>>(true)
  const big = await BatlIndex.build(rows, { dim: 2, ids: [4n, 2n] })
  same<typeof big, BatlIndex<BigInt64Array>>(true)
  const found: SearchResult<string[]> = strings.search([1, 2], { k: 3 })
  const name: string | undefined = found.ids[0]
  const row: Float32Array | undefined = strings.get('a')
  const known: boolean = big.has(4n)
  // @ts-expect-error an index of strings is not asked for numbers
  strings.get(4)
  // @ts-expect-error nor one of bigints for numbers
  big.searchById(4)
  const near: SearchResult<BigInt64Array> = big.searchById(2n, { recall: 0.9 })
  const batch: BatchResult<Float64Array> = await given.searchBatch(rows, { k: 1, threads: 2, dim: 2 })
  const measured: Evaluation = await given.evaluate(rows, { groundTruth: { ids: batch.ids, k: 1 } })
  const stats: Stats = given.stats()
  const bytes: Uint8Array<ArrayBuffer> = given.toBytes()
  const opened = await BatlIndex.open<string[]>('x.batl', { threads: 1 })
  same<typeof opened, BatlIndex<string[]>>(true)
  const copied: BatlIndex = await BatlIndex.fromBytes(bytes)
  const shared: BatlIndex = await BatlIndex.attach(copied.share())
  await shared.save('y.batl')
  await shared.close()
  using disposed = shared
  await using disposedLater = copied
  void [name, row, known, near, measured, stats.bytes.codes, disposed.size, disposedLater.dim]
}

export async function everyRow(
  stream: AsyncIterable<Float32Array>,
  pairs: AsyncIterable<{ rows: Rows; ids: Ids }>,
): Promise<void> {
  const forms: Rows[] = [
    new Float32Array(2),
    new Float64Array(2),
    new Uint8Array(2),
    new Int8Array(2),
    new Uint16Array(2),
    new ArrayBuffer(8),
    new SharedArrayBuffer(8),
    [
      [1, 2],
      [3, 4],
    ],
    [new Float32Array(2)],
    stream,
    pairs,
    'rows.fbin',
  ]
  const every: Ids[] = [new Uint32Array(1), new Float64Array(1), new BigInt64Array(1), [1], [1n], ['a']]
  const query: Query[] = [[1, 2], new Float32Array(2), new Uint8Array(2)]
  // @ts-expect-error no vectors
  const wrong: Rows = 5
  await exactSearch(forms[0]!, forms[1]!, { dim: 2, metric: 'cosine', k: 3, type: 'f32' })
  const { rows, type, dim, size } = await readVectors('rows.npy')
  void [every, query, wrong, rows, type satisfies RowType, dim, size]
}

export async function everyOption(): Promise<void> {
  const options: BuildOptions = {
    dim: 2,
    type: 'f16',
    metric: 'ip' satisfies Metric,
    ids: ['a'],
    queries: [[1, 2]],
    storage: 'none',
    codeBytes: 16,
    router: 'seq2seq' satisfies Router,
    arity: 8,
    leafSize: 60,
    slack: 1.2,
    copies: 2,
    rounds: 1,
    trees: 4,
    preset: 'published',
    trainer: 'tfjs-node',
    threads: 0,
    seed: 3,
    onProgress: ({ phase, done, total }) => void [phase satisfies Phase, done, total],
  }
  const estimate = BatlIndex.estimate({ size: 1000, dim: 4, ...options })
  const bytes: number = estimate.total + estimate.buildPeak + estimate.rows
  const efforts: SearchOptions[] = [{}, { recall: 0.9 }, { probes: 4, rerank: 50, k: 10 }, { k: 3 }]
  const effort: Effort = { probes: 3 }
  // @ts-expect-error no such metric
  const metric: BuildOptions = { metric: 'dot' }
  // @ts-expect-error no such option
  const option: OpenOptions = { thread: 1 }
  const told: InitOptions = { worker: () => undefined, trainerBase: '/trainer/', wasm: new Uint8Array(8) }
  await init(told)
  await searchInit()
  serve satisfies () => void
  void [bytes, efforts, effort, metric, option]
}

export function everyError(error: unknown): number | string | undefined {
  if (error instanceof DimensionMismatchError) return error.expected - error.received
  if (error instanceof CapacityError) return error.limit - error.wanted
  if (error instanceof FormatError || error instanceof SearchFormatError) return error.offset
  if (error instanceof VersionError) return error.found + error.supported
  if (error instanceof InvalidArgumentError) return error.argument
  if (error instanceof ClosedError || error instanceof UnsupportedError) return error.message
  if (error instanceof BatlError) return error.code satisfies ErrorCode
  return undefined
}

export async function searchOnly(): Promise<void> {
  const index = await SearchIndex.open<BigInt64Array>('x.batl')
  const ids: BigInt64Array = index.search(new Float32Array(2)).ids
  // @ts-expect-error it only searches
  await SearchIndex.build(ids)
  const general: SearchIndex<IdArray> = index
  void general
}
