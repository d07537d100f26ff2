import { describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Run an example as a user would; a failure of the program is a failure of the test. */
async function runExample(name: string): Promise<string[]> {
  const file = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [file])
  return stdout.trimEnd().split('\n')
}

describe('examples', () => {
  test('quick-start.js finds the row itself, then rows of its own centre', async () => {
    const lines = await runExample('quick-start.js')
    expect(lines).toHaveLength(5)
    expect(lines[0]).toMatch(/^row 42 at distance -?0\.0000$/)
    for (const line of lines) expect(Number(/^row (\d+) /.exec(line)?.[1]) % 100).toBe(42)
  })
})
