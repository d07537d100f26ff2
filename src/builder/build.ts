import { MessageChannel, SHARE_ENV } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { DimensionMismatchError, fromPlainError, InvalidArgumentError } from '../base/errors.js'
import { resolveBuildOptions, type BuildOptions, type ResolvedOptions, type Rows } from '../base/options.js'
import { openRows, type RowSource } from '../base/rows.js'
import { mapSnapshot } from '../format/decode.js'
import { seal, writeHeader } from '../format/encode.js'
import { findSection } from '../format/layout.js'
import { Pace } from '../format/pace.js'
import { kernelModule } from '../kernels/load.js'
import { Arena } from '../kernels/memory.js'
import type { Reply } from '../pool/messages.js'
import type { SnapshotHeader } from '../tree/snapshot.js'
import { nextMemoryKey, type OpenIndex } from '../open.js'
import type { BuildInput, Study } from './context.js'
import type { DirectorOutput, DirectorTask, ProgressMessage } from './director.js'
import { openQueries, rowHints, takeQueries, takeRows, type Intake } from './intake.js'
import type { BuildOutput } from './builder.js'

/** Logged queries checked between two looks at the clock. */
const QUERY_BLOCK = 1 << 13

/** An index without a tree is its rows. */
const NOTHING_BUILT: DirectorOutput = {
  rungs: [],
  trainer: 'none',
  rotated: false,
  termUnit: 0,
  rounds: [],
  phaseSeconds: {},
}

/** A built index with what the build found out. */
export interface BuiltIndex extends OpenIndex {
  readonly rounds: BuildOutput['rounds']
}

/** Build an index: check everything, take in the rows, and direct the work in threads of its own. */
export async function buildIndex(
  rows: Rows,
  given: BuildOptions | undefined,
  cores: number,
  study: Study = {},
): Promise<BuiltIndex> {
  const options = resolveBuildOptions(given, cores)
  const { signal, onProgress } = given ?? {}
  signal?.throwIfAborted()
  const source = await openRows(rows, rowHints('rows', given ?? {}))
  if (given?.queries !== undefined) await checkLog(given.queries, source)
  const started = performance.now()
  const intake = await takeRows(source, given ?? {}, options, (done, total) =>
    onProgress?.({ phase: 'read', done, total }),
  )
  try {
    const log = given?.queries === undefined ? undefined : await readLog(given.queries, source, options, signal)
    const readSeconds = (performance.now() - started) / 1000
    const key = nextMemoryKey()
    const output =
      intake.plan.trees === 0
        ? NOTHING_BUILT
        : await direct({ input: directorInput(intake, options, key, log, study) }, signal, onProgress)
    const { arena, address, layout, plan, idTable } = intake
    const { rungs, trainer, rotated, termUnit } = output
    const header: SnapshotHeader = { ...plan, rungs, trainer, rotated, termUnit, seed: options.seed }
    const region = arena.u8(address, layout.length)
    writeHeader(region, header, layout)
    await seal(region, signal)
    return {
      arena,
      key,
      address,
      layout,
      idTable,
      snapshot: mapSnapshot(region, header, layout),
      threads: options.threads,
      phaseSeconds: { read: readSeconds, ...output.phaseSeconds },
      rounds: output.rounds,
    }
  } catch (error) {
    if (intake.arena === Arena.common()) intake.arena.free(intake.address)
    throw error
  }
}

/** Refuse a log of another dimension before any row is read. */
async function checkLog(queries: Rows, source: RowSource): Promise<void> {
  const streamed = typeof queries === 'object' && queries !== null && Symbol.asyncIterator in queries
  if (streamed) return
  const { dim } = source
  const log = await openQueries(queries, source)
  if (log.dim !== dim) throw new DimensionMismatchError(dim, log.dim, 'each of the queries')
}

async function readLog(
  queries: Rows,
  rows: RowSource,
  options: ResolvedOptions,
  signal: AbortSignal | undefined,
): Promise<Float32Array | undefined> {
  const { dim } = rows
  const pace = new Pace(signal)
  const source = await openQueries(queries, rows)
  if (source.dim !== dim) throw new DimensionMismatchError(dim, source.dim, 'each of the queries')
  const log = await takeQueries(source, dim, pace)
  if (options.metric !== 'cosine') return log
  for (let query = 0; query * dim < log.length; query++) {
    if (query % QUERY_BLOCK === 0) await pace.turn()
    if (log.subarray(query * dim, (query + 1) * dim).every((value) => value === 0)) {
      throw new InvalidArgumentError(
        'queries',
        `query ${query} is all zeros, which has no direction to compare under cosine; leave it out`,
      )
    }
  }
  return log
}

function directorInput(
  { arena, address, plan, layout }: Intake,
  options: ResolvedOptions,
  key: number,
  log: Float32Array | undefined,
  study: Study,
): BuildInput {
  const at = (name: 'rows' | 'scales'): number => address + findSection(layout, name)!.offset
  const { size, dim, metric, rowType } = plan
  const scales = metric === 'cosine' ? at('scales') : 0
  return {
    points: { memory: arena.memory, key, rows: at('rows'), scales, size, dim, metric, rowType },
    options,
    plan,
    entryCount: plan.entryCount,
    address,
    layout,
    ...(log === undefined ? {} : { log }),
    study,
  }
}

/** Run the director in a thread of its own, which is ended with its workers when it is done, fails or is aborted. */
async function direct(
  task: Omit<DirectorTask, 'progress'>,
  signal: AbortSignal | undefined,
  onProgress: BuildOptions['onProgress'],
): Promise<DirectorOutput> {
  const { port1, port2 } = new MessageChannel()
  const thread = new Piscina({
    filename: new URL('./director.js', import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
    // The training worker below it sets what TensorFlow's native library reads from the process's own environment.
    env: SHARE_ENV,
    workerData: { module: kernelModule() },
  })
  let fail: (reason: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => (fail = reject))
  const abort = (): void => fail(signal!.reason)
  port1.on('message', (message: ProgressMessage) => {
    try {
      onProgress?.(message)
    } catch (error) {
      fail(error)
    }
  })
  signal?.addEventListener('abort', abort, { once: true })
  try {
    signal?.throwIfAborted()
    const done = thread.run({ ...task, progress: port2 }, { name: 'build', transferList: [port2] }) as Promise<
      Reply<DirectorOutput>
    >
    const reply = await Promise.race([done, failed])
    if ('error' in reply) throw fromPlainError(reply.error)
    return reply.value
  } finally {
    signal?.removeEventListener('abort', abort)
    port1.close()
    await thread.destroy()
  }
}
