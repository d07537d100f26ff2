import type { Command } from 'commander'
import { BatlIndex, type BatchResult, type IdArray } from '../index.js'
import { addOption, checkEffort, effortOf, SEARCH_OPTIONS, type EffortFlags } from './options.js'
import { checkResultFile, writeResult } from './result.js'
import { print, type Terminal } from './terminal.js'

const EXAMPLES = `
Examples:
  batl search words.batl queries.fbin -k 5                 {"query":0,"ids":[...],"distances":[...]} a line
  batl search words.batl queries.fbin --recall 0.99 -o result.ibin
  batl search words.batl queries.fbin --probes 16 --rerank 200

result.ibin holds the ids (int32), then the distances (float32), k of each for a query.
Distances: squared L2; 1 - cosine; minus the inner product.`

/** Queries printed at once. */
const BLOCK = 256

interface SearchFlags extends EffortFlags<number> {
  readonly k?: number
  readonly threads?: number
  readonly output?: string
}

/** Add `batl search`. */
export function addSearch(program: Command, terminal: Terminal): void {
  const command = program
    .command('search')
    .description('find the nearest vectors of each query')
    .argument('<index>', 'file that build wrote')
    .argument('<queries>', 'file of the queries')
    .option('-o, --output <file>', 'write an .ibin file instead of JSON lines')
    .addHelpText('after', EXAMPLES)
  for (const [name, spec] of Object.entries(SEARCH_OPTIONS)) addOption(command, name, spec)
  command.action((path: string, queries: string, flags: SearchFlags) => search(path, queries, flags, terminal))
}

async function search(path: string, queries: string, flags: SearchFlags, terminal: Terminal): Promise<void> {
  checkEffort(flags)
  if (flags.output !== undefined) await checkResultFile(flags.output)
  const { k, threads, output } = flags
  const { signal } = terminal
  const pool = { ...(threads === undefined ? {} : { threads }), signal }
  const index = await BatlIndex.open<IdArray>(path, pool)
  try {
    const result = await index.searchBatch(queries, { ...effortOf(flags), ...(k === undefined ? {} : { k }), ...pool })
    if (output === undefined) await printLines(result, terminal)
    else await writeResult(output, result, signal)
  } finally {
    await index.close()
  }
}

async function printLines({ ids, distances, offsets }: BatchResult<IdArray>, terminal: Terminal): Promise<void> {
  const count = offsets.length - 1
  for (let first = 0; first < count; first += BLOCK) {
    terminal.signal.throwIfAborted()
    let lines = ''
    for (let query = first; query < Math.min(count, first + BLOCK); query++) {
      const [start, end] = [offsets[query], offsets[query + 1]]
      const answer = {
        query,
        ids: Array.from<unknown>(ids.slice(start, end)),
        distances: Array.from(distances.subarray(start, end), shortest),
      }
      lines += `${JSON.stringify(answer, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`
    }
    await print(terminal, lines)
  }
}

/** Nine digits give a float32 back exactly. */
function shortest(distance: number): number {
  return Number(distance.toPrecision(9))
}
