import { expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const PROGRAM = fileURLToPath(new URL('stream-memory.mjs', import.meta.url))

/** 12 MB without a tree, and 9 MB with one. */
test.each([
  [3000, 1024, false],
  [4500, 512, true],
])('%i rows of %i components from a stream exist once in memory', async (size, dim, tree) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', PROGRAM, `${size}`, `${dim}`])
  const { rows, memory, blocks, leaves } = JSON.parse(stdout)
  expect(leaves > 1).toBe(tree)
  expect(memory / rows).toBeGreaterThanOrEqual(1)
  // Beside the rows: codes, the tree, scratch, and up to an eighth of what there was that a memory grows by.
  expect(memory / rows).toBeLessThan(1.6)
  // The stream's own block, and the one before it.
  expect(blocks).toBeLessThanOrEqual(2)
})
