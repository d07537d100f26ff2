import type { Command } from 'commander'
import { exactSearch, type Metric } from '../index.js'
import { addOption, BUILD_OPTIONS, SEARCH_OPTIONS } from './options.js'
import { checkResultFile, writeResult } from './result.js'
import type { Terminal } from './terminal.js'

const EXAMPLES = `
Example:
  batl exact words.fbin queries.fbin -k 100 --metric cosine -o gt.ibin

gt.ibin holds the row numbers (int32), then the distances (float32), k of each for a query.
Distances: squared L2; 1 - cosine; minus the inner product.`

const OPTIONS = {
  k: { ...SEARCH_OPTIONS.k, help: 'neighbours of each query (default: 100)' },
  metric: BUILD_OPTIONS.metric,
  threads: BUILD_OPTIONS.threads,
}

interface ExactFlags {
  readonly output: string
  readonly k?: number
  readonly metric?: Metric
  readonly threads?: number
}

/** Add `batl exact`. */
export function addExact(program: Command, terminal: Terminal): void {
  const command = program
    .command('exact')
    .description('compute ground truth by brute force')
    .argument('<vectors>', 'file of the vectors')
    .argument('<queries>', 'file of the queries')
    .requiredOption('-o, --output <file>', '.ibin file to write')
    .addHelpText('after', EXAMPLES)
  for (const [name, spec] of Object.entries(OPTIONS)) addOption(command, name, spec)
  command.action((vectors: string, queries: string, flags: ExactFlags) => exact(vectors, queries, flags, terminal))
}

async function exact(vectors: string, queries: string, flags: ExactFlags, { signal }: Terminal): Promise<void> {
  const { output, ...options } = flags
  await checkResultFile(output)
  await writeResult(output, await exactSearch(vectors, queries, { k: 100, ...options, signal }), signal)
}
