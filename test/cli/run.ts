import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../build/bin.js', import.meta.url))

export interface Outcome {
  /** Exit status, or null when a signal ended the process. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Run the built command line in a process of its own; `interruptAfter` milliseconds it gets a SIGINT. */
export function batl(args: readonly string[], { interruptAfter = 0 } = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const timer = interruptAfter > 0 ? setTimeout(() => child.kill('SIGINT'), interruptAfter) : undefined
    child.on('error', reject)
    child.on('close', (status) => {
      clearTimeout(timer)
      resolve({ status, stdout, stderr })
    })
  })
}

/** A folder for one test file, and how to remove it. */
export async function temporaryFolder(): Promise<{ path: (name: string) => string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'batl-cli-'))
  return { path: (name) => join(folder, name), remove: () => rm(folder, { recursive: true, force: true }) }
}

/** The one line of an error message. */
export function errorLine({ stderr }: Outcome): string {
  const lines = stderr.trimEnd().split('\n')
  if (lines.length !== 1 || !stderr.startsWith('batl: ')) throw new Error(`not one line of batl: ${stderr}`)
  return lines[0] ?? ''
}
