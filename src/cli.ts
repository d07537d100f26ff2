import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { addBuild } from './cli/build.js'
import { addEval } from './cli/eval.js'
import { addExact } from './cli/exact.js'
import { addInfo } from './cli/info.js'
import { BUILD_OPTIONS } from './cli/options.js'
import { addSearch } from './cli/search.js'
import { oneLine, UsageError, type Terminal } from './cli/terminal.js'
import { InvalidArgumentError } from './index.js'

/** What a run of the command line ends with: done, failed, wrong usage, interrupted. */
const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const

const COMMANDS = [
  ['build', addBuild],
  ['search', addSearch],
  ['eval', addEval],
  ['exact', addExact],
  ['info', addInfo],
] as const

const EXAMPLES = `
Examples:
  batl build words.fbin -o words.batl --metric cosine     index a file of vectors
  batl search words.batl queries.fbin -k 5 --recall 0.99  answers as JSON lines
  batl exact words.fbin queries.fbin -k 10 -o gt.ibin     ground truth by brute force
  batl eval words.batl queries.fbin --ground-truth gt.ibin
  batl info words.batl

Files of vectors: .fbin .u8bin .i8bin .f16bin .ibin, .fvecs .bvecs .ivecs, .npy, each also .gz.
Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.`

/**
 * Run the command line.
 * @param argv - arguments, without those of the runtime.
 * @param terminal - where results, messages and progress go, and what interrupts the command.
 * @returns the exit status; errors are printed as one line, never thrown.
 */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const program = createProgram(terminal)
  try {
    if (argv.length === 0) {
      terminal.stderr.write(program.helpInformation() + EXAMPLES + '\n')
      return EXIT.usage
    }
    await program.parseAsync(argv, { from: 'user' })
    return EXIT.done
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done
    const interrupted = terminal.signal.aborted
    terminal.stderr.write(`batl: ${interrupted ? 'interrupted' : describe(error, argv[0])}\n`)
    if (interrupted) return EXIT.interrupted
    return isUsage(error) ? EXIT.usage : EXIT.failed
  }
}

function createProgram(terminal: Terminal): Command {
  const program = new Command('batl')
    .description('Learned balanced tree index for vector search.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText('after', EXAMPLES)
  for (const [, add] of COMMANDS) add(program, terminal)
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .allowExcessArguments(false)
      .helpOption('-h, --help', 'print this help')
      .configureOutput({ writeOut: (text) => terminal.stdout.write(text), outputError: () => undefined })
  }
  return program
}

function version(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(file) as { version: string }).version
}

/** Wrong usage is what another command line would mend; what is wrong with the data or the machine is a failure. */
function isUsage(error: unknown): boolean {
  if (error instanceof CommanderError || error instanceof UsageError) return true
  return error instanceof InvalidArgumentError && error.argument in BUILD_OPTIONS && error.argument !== 'ids'
}

function describe(error: unknown, command = ''): string {
  if (error instanceof CommanderError) {
    const help = COMMANDS.some(([name]) => name === command) ? `batl ${command} --help` : 'batl --help'
    return `${oneLine(error.message.replace(/^error: /, '')).replace(/[.;]+$/, '')}; see ${help}`
  }
  return oneLine(error instanceof Error ? error.message : String(error))
}
