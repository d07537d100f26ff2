import { describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const path = (name: string): string => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))

/** Run an example as a user would; a failure of the program is a failure of the test. */
async function runExample(name: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [path(name), ...args])
  return stdout.trimEnd().split('\n')
}

test('quick-start.js finds the row itself, then rows of its own centre', async () => {
  const lines = await runExample('quick-start.js')
  expect(lines).toHaveLength(5)
  expect(lines[0]).toMatch(/^row 42 at distance -?0\.0000$/)
  for (const line of lines) expect(Number(/^row (\d+) /.exec(line)?.[1]) % 100).toBe(42)
})

describe('semantic-search', () => {
  test.each([
    ['cooking dinner', /Soup of|Roast chicken/],
    ['crime and justice', /thief to prison|Police arrested/],
    ['money and debt', /mortgage|interest rates/],
  ])('finds texts about %s that share no word with it', async (question, wanted) => {
    const [first, ...answers] = await runExample('semantic-search/search.js', ...question.split(' '))
    expect(first).toBe(`${question}:`)
    expect(answers).toHaveLength(3)
    expect(answers.filter((answer) => wanted.test(answer))).toHaveLength(2)
    for (const word of question.split(' ').filter((word) => word !== 'and')) expect(answers.join(' ')).not.toMatch(word)
  })

  test('stores the embeddings that its model makes of its texts', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'batl-embeddings-'))
    try {
      const file = join(folder, 'embeddings.fbin')
      await runExample('semantic-search/make-embeddings.js', file)
      const [made, stored] = await Promise.all([readFile(file), readFile(path('semantic-search/embeddings.fbin'))])
      expect(made.equals(stored)).toBe(true)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

test('recommendation learns from its log and finds what was asked for', async () => {
  const lines = await runExample('recommendation/recommend.js')
  const scores = lines.flatMap((line) => /^ {2}item \d+, score (\d+\.\d+)$/.exec(line)?.[1] ?? []).map(Number)
  expect(scores).toHaveLength(5)
  expect(scores).toEqual([...scores].sort((a, b) => b - a))
  const reached = lines.flatMap((line) => {
    const found = /^asked for recall ([\d.]+): ([\d.]+), looking at ([\d.]+)% of the items$/.exec(line)
    return found === null ? [] : [found.slice(1).map(Number)]
  })
  expect(reached.map(([asked]) => asked)).toEqual([0.9, 0.99])
  for (const [asked, got, looked] of reached) {
    expect(got!).toBeGreaterThan(asked! - 0.02)
    expect(looked!).toBeLessThan(25)
  }
})
