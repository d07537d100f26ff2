import { direct } from '#threads'
import { DimensionMismatchError, InvalidArgumentError } from '../base/errors.js'
import { resolveBuildOptions, type BuildOptions, type ResolvedOptions, type Rows } from '../base/options.js'
import type { RowSource } from '../base/rows.js'
import { mapSnapshot } from '../format/decode.js'
import { seal, writeHeader } from '../format/encode.js'
import { findSection, planLayout } from '../format/layout.js'
import { Pace } from '../format/pace.js'
import { openBase, openRowFile } from '../io/rows.js'
import { loadBuildKernels } from '../kernels/load-build.js'
import { Arena, liveViews } from '../kernels/memory.js'
import type { SnapshotHeader } from '../tree/snapshot.js'
import { nextMemoryKey, type OpenIndex } from '../open.js'
import type { BuildInput, Study } from './context.js'
import { openQueries, takeQueries } from '../queries.js'
import { directorTask, type DirectorOutput } from './director.js'
import { takeRows, type Intake } from './intake.js'
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
  await loadBuildKernels()
  const source = await openBase(rows, given ?? {})
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
        : await direct(
            directorTask(directorInput(intake, options, key, log, study)),
            { arena: intake.arena, key },
            signal,
            (message) => onProgress?.(message),
          )
    const drops = intake.plan.trees > 0 && !options.keepsRows
    const { arena, address, layout, plan, idTable } = drops ? dropRows(intake) : intake
    const { rungs, trainer, rotated, termUnit } = output
    const header: SnapshotHeader = { ...plan, rungs, trainer, rotated, termUnit, seed: options.seed }
    await sealIndex({ arena, address, layout }, header, signal)
    const region = arena.u8(address, layout.length)
    return {
      arena,
      key: drops ? nextMemoryKey() : key,
      address,
      layout,
      idTable,
      snapshot: liveViews(arena.memory, mapSnapshot(region, header, layout)),
      threads: options.threads,
      phaseSeconds: { read: readSeconds, ...output.phaseSeconds },
      rounds: output.rounds,
    }
  } catch (error) {
    if (intake.arena.isCommon) intake.arena.free(intake.address)
    throw error
  }
}

/** The index in a memory of its own that has no room for rows; the other one goes with the last reference to it. */
function dropRows(intake: Intake): Intake {
  const plan: Intake['plan'] = { ...intake.plan, rowType: 'none' }
  const layout = planLayout(plan, findSection(intake.layout, 'idBytes')?.length)
  const arena = Arena.create(layout.length)
  const address = arena.allocate(layout.length)
  for (const { name, tree, offset, length } of layout.sections) {
    const from = intake.address + findSection(intake.layout, name, tree)!.offset
    arena.u8(address + offset, length).set(intake.arena.u8(from, length))
  }
  return { ...intake, plan, layout, arena, address }
}

/** Write header and checksums. In a plain memory that others may grow meanwhile, checksums are of a copy. */
async function sealIndex(
  { arena, address, layout }: Pick<Intake, 'arena' | 'address' | 'layout'>,
  header: SnapshotHeader,
  signal: AbortSignal | undefined,
): Promise<void> {
  const region = arena.u8(address, layout.length)
  writeHeader(region, header, layout)
  const stays = arena.shared || !arena.isCommon
  const sealed = stays ? region : region.slice()
  await seal(sealed, signal, arena)
  if (!stays) arena.u8(address, layout.length).set(sealed)
}

/** Refuse a log of another dimension before any row is read. */
async function checkLog(queries: Rows, source: RowSource): Promise<void> {
  const streamed = typeof queries === 'object' && queries !== null && Symbol.asyncIterator in queries
  if (streamed) return
  const { dim } = source
  const log = await openQueries(queries, source, openRowFile)
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
  const source = await openQueries(queries, rows, openRowFile)
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
