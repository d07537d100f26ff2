import type { Command } from 'commander'
import { BatlIndex, type Stats } from '../index.js'
import { print, thousands, type Terminal } from './terminal.js'

/** Neighbours whose tuned settings the text shows; `--json` has all. */
const SHOWN_K = 10

/** What is said of the rows. */
const ROWS: Readonly<Record<Stats['storage'], string>> = {
  f32: 'f32',
  f16: 'f16',
  u8: 'u8',
  i8: 'i8',
  i10: 'steps of 10 bits',
  none: 'not kept: distances are approximate, by code alone',
}

/** Add `batl info`. */
export function addInfo(program: Command, terminal: Terminal): void {
  program
    .command('info')
    .description('describe an index')
    .argument('<index>', 'file that build wrote')
    .option('--json', 'print one object')
    .addHelpText('after', '\nExample:\n  batl info words.batl --json')
    .action((path: string, flags: { json?: boolean }) => info(path, flags.json ?? false, terminal))
}

async function info(path: string, json: boolean, terminal: Terminal): Promise<void> {
  const index = await BatlIndex.open(path, { threads: 1, signal: terminal.signal })
  try {
    await print(terminal, json ? `${JSON.stringify(index.stats())}\n` : describe(index.stats()))
  } finally {
    await index.close()
  }
}

function describe(stats: Stats): string {
  const total = Object.values(stats.bytes).reduce((sum, bytes) => sum + bytes, 0)
  const lines: [string, string][] = [
    ['vectors', `${thousands(stats.size)} x ${stats.dim}, ${stats.metric}`],
    ['router', `${stats.router}, trained by ${stats.trainer}`],
    ['tree', `${thousands(stats.leaves)} leaves, depth ${stats.depth}, arity ${stats.arity}`],
    ['largest leaf', `${stats.largestLeaf.toFixed(2)} x mean`],
    ['rows', ROWS[stats.storage]],
    ['memory', `${thousands(total)} bytes, ${stats.bytesPerVector.toFixed(1)} a vector`],
    ...Object.entries(stats.bytes).map(([part, bytes]): [string, string] => [`  ${part}`, thousands(bytes)]),
    ...stats.tuned
      .filter(({ k }) => k === SHOWN_K)
      .map(({ k, recall, probes }): [string, string] => [
        `recall@${k} ${Math.floor(recall * 1000) / 1000}`,
        `at most ${thousands(probes)} leaves visited`,
      ]),
  ]
  return lines.map(([name, value]) => `${name.padEnd(18)} ${value}\n`).join('')
}
