import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Where a command writes, and what interrupts it. */
export interface Terminal {
  /** Results. */
  readonly stdout: NodeJS.WriteStream
  /** Messages and progress. */
  readonly stderr: NodeJS.WriteStream
  readonly signal: AbortSignal
}

/** The command line itself is wrong: exit status 2. */
export class UsageError extends Error {}

/** The command cannot do what was asked: exit status 1. */
export class CommandError extends Error {}

/** Write results and wait until the reader has taken them, so that a long answer never piles up in memory. */
export function print(terminal: Terminal, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    terminal.stdout.write(text, (error) => (error ? reject(error) : resolve()))
  })
}

/** Messages of several lines, as one. */
export function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ')
}

/** `1234567` as `1,234,567`. */
export function thousands(count: number): string {
  return count.toLocaleString('en-US')
}

/** Columns padded to the widest cell, numbers to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  ') + '\n').join('')
}

/** @throws {CommandError} when there is no folder to put `path` into: known before the work, not after it. */
export async function checkFolderOf(path: string): Promise<void> {
  const folder = dirname(path)
  const found = await stat(folder).catch(() => undefined)
  if (!found?.isDirectory()) throw new CommandError(`there is no folder ${folder} to write ${path} to; make it first`)
}
