import type { Command } from 'commander'
import { BatlIndex, type Evaluation, type IdArray } from '../index.js'
import { readGroundTruth } from '../io/vectors.js'
import { addOption, checkEffort, effortOf, EVAL_OPTIONS, type EffortFlags } from './options.js'
import { CommandError, print, table, type Terminal } from './terminal.js'

const EXAMPLES = `
Examples:
  batl eval words.batl queries.fbin --ground-truth gt.ibin
  batl eval words.batl queries.fbin --ground-truth gt.ibin -k 10 --recall 0.9,0.95,0.99 --json
  batl eval words.batl queries.fbin --ground-truth gt.ibin --probes 8,16,32`

const DEFAULT_RECALLS = [0.9, 0.95, 0.99]
const DEFAULT_K = 10

interface EvalFlags extends EffortFlags<number[]> {
  readonly groundTruth: string
  readonly k?: number
  readonly threads?: number
  readonly json?: boolean
}

/** Add `batl eval`. */
export function addEval(program: Command, terminal: Terminal): void {
  const command = program
    .command('eval')
    .description('measure recall and speed')
    .argument('<index>', 'file that build wrote')
    .argument('<queries>', 'file of the queries')
    .requiredOption('--ground-truth <file>', '.ibin file of the true neighbours, such as exact writes')
    .option('--json', 'print one object for each setting')
    .addHelpText('after', EXAMPLES)
  for (const [name, spec] of Object.entries(EVAL_OPTIONS)) addOption(command, name, spec)
  command.action((path: string, queries: string, flags: EvalFlags) => evaluate(path, queries, flags, terminal))
}

async function evaluate(path: string, queries: string, flags: EvalFlags, terminal: Terminal): Promise<void> {
  checkEffort(flags)
  const { k = DEFAULT_K, threads, json } = flags
  const { signal } = terminal
  const truth = await readGroundTruth(flags.groundTruth)
  if (truth.k < k) {
    throw new CommandError(
      `${flags.groundTruth} holds ${truth.k} neighbours of each query, but ${k} are wanted; ask for -k ${truth.k}, or make a wider one with batl exact -k ${k}`,
    )
  }
  const index = await BatlIndex.open<IdArray>(path, { ...(threads === undefined ? {} : { threads }), signal })
  // Evaluating takes no signal; closing the index ends it.
  signal.addEventListener('abort', () => void index.close(), { once: true })
  try {
    const groundTruth = { ids: matchIds(truth.ids, index), k: truth.k }
    const results: object[] = []
    for (const effort of settings(flags)) {
      signal.throwIfAborted()
      results.push(report(await index.evaluate(queries, { ...effortOf(effort), k, groundTruth })))
    }
    await print(terminal, json ? results.map((result) => `${JSON.stringify(result)}\n`).join('') : asTable(results))
  } finally {
    await index.close()
  }
}

/** One setting for each recall, or for each number of probes. */
function settings({ recall, probes, rerank }: EvalFlags): EffortFlags<number>[] {
  if (probes === undefined) return (recall ?? DEFAULT_RECALLS).map((target) => ({ recall: target }))
  return probes.map((leaves) => ({ probes: leaves, ...(rerank === undefined ? {} : { rerank }) }))
}

/**
 * Ground truth as ids of the index's own kind: row numbers as they are, other ids by their number or decimal text.
 * @throws {CommandError} when the index holds none of the first query's neighbours.
 */
function matchIds(truth: Uint32Array, index: BatlIndex<IdArray>): IdArray {
  const sample = index.search(new Float32Array(index.dim).fill(1), { k: 1, probes: 1 }).ids
  let ids: IdArray = truth
  if (Array.isArray(sample)) ids = Array.from(truth, String)
  else if (sample instanceof BigInt64Array) ids = BigInt64Array.from(truth, BigInt)
  else if (sample instanceof Float64Array) ids = Float64Array.from(truth)
  if (ids.length > 0 && !index.has(ids[0] as never)) {
    throw new CommandError(
      `the ground truth names id ${String(ids[0])}, which the index does not hold; give ground truth over the ids of this index`,
    )
  }
  return ids
}

/** An evaluation under the names that the command line promises. */
function report(found: Evaluation): Record<string, number | null> {
  return {
    k: found.k,
    target: found.target ?? null,
    recall: found.recall,
    qps: found.qps,
    p50_us: found.p50Us,
    p99_us: found.p99Us,
    candidates_pct: found.candidatesPct,
    probes: found.probes,
    rerank: found.rerank,
    bytes_per_vector: found.bytesPerVector,
  }
}

function asTable(results: readonly object[]): string {
  const cell = (value: unknown): string => (typeof value === 'number' ? String(Number(value.toPrecision(4))) : '-')
  return table([Object.keys(results[0] ?? {}), ...results.map((result) => Object.values(result).map(cell))])
}
