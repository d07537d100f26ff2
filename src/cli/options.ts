import { type Command, InvalidArgumentError, Option } from 'commander'
import type { BuildOptions, Effort } from '../index.js'
import { UsageError } from './terminal.js'

/** One option that takes a value: what help shows, and how the text is read. */
export interface OptionSpec {
  /** Name of the value in help. */
  readonly value: string
  readonly help: string
  /** @throws {InvalidArgumentError} commander's, which names the option. */
  readonly parse: (text: string) => unknown
}

/** What of `BuildOptions` a command line can say. */
type BuildName = Exclude<keyof BuildOptions, 'signal' | 'onProgress'>

/** Every build option, in the order of help; flags are the names in kebab-case. */
export const BUILD_OPTIONS: Readonly<Record<BuildName, OptionSpec>> = {
  metric: choice('name', ['l2', 'ip', 'cosine'], 'what near means (default: l2)'),
  queries: file('a log of real queries; routing is trained on it and on the vectors'),
  ids: file('one id a line, in the order of the vectors (default: row numbers)'),
  threads: whole(0, 'worker threads; 0: one for each core (default: 0)'),
  seed: whole(0, 'start of the random numbers; the same seed gives the same file (default: 1)'),
  storage: choice(
    'type',
    ['f32', 'f16', 'u8', 'i8', 'none'],
    'how rows are kept (default: as they come; none: not at all, answers by code)',
  ),
  codeBytes: whole(1, 'bytes of code for each copy of a row (default: dim / 4; long vectors and u8 rows less)'),
  router: choice('name', ['linear', 'residual', 'seq2seq'], 'what chooses the leaves (default: linear)'),
  arity: whole(2, 'children of an inner node (default: about the square root of the leaves)'),
  leafSize: decimal(
    4,
    Infinity,
    'mean rows of a leaf (default: about 70 for 50,000 rows, 94 for a million; less without rows)',
  ),
  slack: decimal(1, Infinity, 'largest leaf / mean leaf; 1 is exact balance (default: 1.2)'),
  copies: decimal(1, 3, 'mean copies of a row; extra ones go to rows that queries miss (default: 1.5; for ip 1)'),
  rounds: whole(0, 'turns of classifier and tree update (default: 0)'),
  trees: whole(1, 'independent trees, up to 4 (default: 1)'),
  preset: choice(
    'name',
    ['default', 'published'],
    'where the options start from; published is as in the paper (default: default)',
  ),
  trainer: choice('name', ['auto', 'wasm', 'tfjs-node'], 'where TensorFlow.js trains (default: auto)'),
  dim: whole(1, 'components of a vector, where the file should be checked'),
  type: choice('type', ['f32', 'f16', 'u8', 'i8'], 'type of the components, where the file should be checked'),
}

/** Add one option of a table under its name in kebab-case. */
export function addOption(command: Command, name: string, spec: OptionSpec): Command {
  const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const dashes = flag.length === 1 ? '-' : '--'
  return command.addOption(new Option(`${dashes}${flag} <${spec.value}>`, spec.help).argParser(spec.parse))
}

/** The build options among the parsed flags; absent ones stay absent, so that the library's defaults hold. */
export function pickBuildOptions(flags: Readonly<Record<string, unknown>>): BuildOptions {
  const given = Object.keys(BUILD_OPTIONS).filter((name) => flags[name] !== undefined)
  return Object.fromEntries(given.map((name) => [name, flags[name]]))
}

/** Options of a search: a recall to reach, or probes and rerank by hand. */
export const SEARCH_OPTIONS = {
  k: whole(1, 'neighbours of each query (default: 10)'),
  recall: decimal(0, 1, 'recall to reach (default: 0.95); 1 looks at every row', true),
  probes: whole(1, 'leaves to visit, by hand'),
  rerank: whole(1, 'candidates to compare exactly, by hand'),
  threads: BUILD_OPTIONS.threads,
} satisfies Record<string, OptionSpec>

/** The same with lists: each value is one setting to measure. */
export const EVAL_OPTIONS = {
  ...SEARCH_OPTIONS,
  recall: list(SEARCH_OPTIONS.recall, 'recalls to reach (default: 0.9,0.95,0.99)'),
  probes: list(SEARCH_OPTIONS.probes, 'numbers of leaves to visit, by hand'),
} satisfies Record<string, OptionSpec>

/** Flags of `search` and `eval`, with one value each or with lists. */
export interface EffortFlags<V> {
  readonly recall?: V
  readonly probes?: V
  readonly rerank?: number
}

/** @throws {UsageError} when two kinds of effort are asked for at once, or half of one. */
export function checkEffort(flags: EffortFlags<unknown>): void {
  if (flags.recall !== undefined && (flags.probes !== undefined || flags.rerank !== undefined)) {
    throw new UsageError('--recall and --probes or --rerank were given; give a recall to reach, or probes, not both')
  }
  if (flags.rerank !== undefined && flags.probes === undefined) {
    throw new UsageError('--rerank was given without --probes; add --probes, or give --recall instead')
  }
}

/** One setting of a search, as the library takes it. */
export function effortOf({ recall, probes, rerank }: EffortFlags<number>): Effort {
  if (probes !== undefined) return { probes, ...(rerank === undefined ? {} : { rerank }) }
  return recall === undefined ? {} : { recall }
}

function whole(least: number, help: string): OptionSpec {
  const parse = (text: string): number => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`Give a whole number, ${least} or more.`)
    }
    return value
  }
  return { value: 'n', help, parse }
}

function decimal(least: number, most: number, help: string, above = false): OptionSpec {
  const range = most === Infinity ? `${least} or more` : `${above ? `above ${least}` : `from ${least}`} to ${most}`
  const parse = (text: string): number => {
    const value = Number(text)
    const fits = Number.isFinite(value) && value >= least && value <= most && !(above && value === least)
    if (text.trim() === '' || !fits) throw new InvalidArgumentError(`Give a number ${range}.`)
    return value
  }
  return { value: 'x', help, parse }
}

function choice(value: string, names: readonly string[], help: string): OptionSpec {
  const parse = (text: string): string => {
    if (!names.includes(text)) throw new InvalidArgumentError(`Give one of ${names.join(', ')}.`)
    return text
  }
  return { value, help: `${names.join(', ')}: ${help}`, parse }
}

function file(help: string): OptionSpec {
  return { value: 'file', help, parse: (text) => text }
}

function list(one: OptionSpec, help: string): OptionSpec {
  return { value: 'list', help, parse: (text) => text.split(',').map((part) => one.parse(part)) }
}
