#!/usr/bin/env node
import { run } from './cli.js'

const interruption = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The first lets the command clear up; whoever asks twice wants out at once.
    if (interruption.signal.aborted) process.exit(130)
    interruption.abort()
  })
}
// A reader that has seen enough (`batl search ... | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})
void run(process.argv.slice(2), { stdout: process.stdout, stderr: process.stderr, signal: interruption.signal }).then(
  (code) => {
    process.exitCode = code
  },
)
