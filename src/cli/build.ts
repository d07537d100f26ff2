import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { BatlIndex, type IdArray, type Stats } from '../index.js'
import { addOption, BUILD_OPTIONS, pickBuildOptions } from './options.js'
import { PhaseBars } from './progress.js'
import { checkFolderOf, CommandError, print, thousands, UsageError, type Terminal } from './terminal.js'

const EXAMPLES = `
Examples:
  batl build words.fbin -o words.batl --metric cosine
  batl build items.f16bin.gz -o items.batl --metric ip --queries users.f16bin.gz --copies 1.5
  batl build rows.npy -o rows.batl --ids names.txt --threads 4 --force`

interface BuildFlags extends Record<string, unknown> {
  readonly output: string
  readonly force?: boolean
  readonly json?: boolean
}

/** Add `batl build`. */
export function addBuild(program: Command, terminal: Terminal): void {
  const command = program
    .command('build')
    .description('index a file of vectors')
    .argument('<vectors>', 'file of the vectors')
    .requiredOption('-o, --output <index>', 'file to write')
    .option('--force', 'replace the file if it exists')
    .option('--json', 'print what info --json prints')
    .addHelpText('after', EXAMPLES)
  for (const [name, spec] of Object.entries(BUILD_OPTIONS)) addOption(command, name, spec)
  command.action((vectors: string, flags: BuildFlags) => build(vectors, flags, terminal))
}

async function build(vectors: string, flags: BuildFlags, terminal: Terminal): Promise<void> {
  await checkOutput(vectors, flags)
  const { ids, ...options } = pickBuildOptions(flags)
  const names = typeof ids === 'string' ? await readIds(ids) : undefined
  const bars = new PhaseBars(terminal.stderr)
  const started = performance.now()
  let index: BatlIndex<IdArray> | undefined
  try {
    const shared = {
      ...options,
      signal: terminal.signal,
      onProgress: ({ phase, done, total }) => bars.update(phase, done, total),
    } satisfies Parameters<typeof BatlIndex.build>[1]
    index = names ? await BatlIndex.build(vectors, { ...shared, ids: names }) : await BatlIndex.build(vectors, shared)
    bars.finish()
    await index.save(flags.output, { signal: terminal.signal })
    const seconds = (performance.now() - started) / 1000
    await print(
      terminal,
      flags.json ? `${JSON.stringify(index.stats())}\n` : summary(flags.output, index.stats(), seconds),
    )
  } finally {
    bars.stop()
    await index?.close()
  }
}

async function checkOutput(vectors: string, { output, force, queries, ids }: BuildFlags): Promise<void> {
  for (const input of [vectors, queries, ids]) {
    if (typeof input === 'string' && resolve(input) === resolve(output)) {
      throw new UsageError(`-o ${output} is also read; name another file for the index`)
    }
  }
  await checkFolderOf(output)
  if (!force && (await stat(output).catch(() => undefined))) {
    throw new CommandError(`${output} exists; name another file, or add --force to replace it`)
  }
}

/** One id a line; the last line may or may not end. */
async function readIds(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'there is no such file' : error.message
    throw new CommandError(`cannot read the ids in ${path}: ${reason}; give a text file with one id a line`)
  })
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function summary(output: string, stats: Stats, seconds: number): string {
  const { size, dim, metric, leaves, bytesPerVector } = stats
  const shape = leaves > 1 ? `${thousands(leaves)} leaves` : 'no tree, scanned exactly'
  return `wrote ${output}: ${thousands(size)} x ${dim}, ${metric}, ${shape}, ${bytesPerVector.toFixed(0)} bytes a vector, ${seconds.toFixed(1)} s\n`
}
