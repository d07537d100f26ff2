import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fixture, loadGlove } from '../fixtures/load.js'
import { batl, errorLine, temporaryFolder } from './run.js'

const base = fixture('glove-base.i8bin.gz')
const query = fixture('glove-query.i8bin.gz')
const truth = fixture('glove-gt.ibin.gz')
const glove = loadGlove()

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let index: string
beforeAll(async () => {
  folder = await temporaryFolder()
  index = folder.path('glove.batl')
  const built = await batl(['build', base, '-o', index, '--metric', 'cosine', '--threads', '2', '--seed', '7'])
  if (built.status !== 0) throw new Error(built.stderr)
  expect(built.stdout).toContain('10,000 x 100, cosine')
  // Without a terminal there are no progress bars.
  expect(built.stderr).toBe('')
})
afterAll(() => folder.remove())

/** Lines of JSON. */
function lines<T>(text: string): T[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}

interface Answer {
  query: number
  ids: (number | string)[]
  distances: number[]
}

function readIbin(path: string): { count: number; k: number; ids: Int32Array; distances: Float32Array } {
  const bytes = readFileSync(path)
  const [count, k] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)]
  const data = new Uint8Array(bytes.subarray(8)).buffer
  expect(data.byteLength).toBe(count * k * 8)
  return { count, k, ids: new Int32Array(data, 0, count * k), distances: new Float32Array(data, count * k * 4) }
}

/** Share of the true k nearest among the answers, ties by distance. */
function recall(ids: ArrayLike<number>, k: number): number {
  let hits = 0
  for (let q = 0; q < glove.queryCount; q++) {
    const best = glove.groundTruth.ids.subarray(q * glove.groundTruth.k, q * glove.groundTruth.k + k)
    for (let i = 0; i < k; i++) if (best.includes(ids[q * k + i]!)) hits++
  }
  return hits / (glove.queryCount * k)
}

describe('build', () => {
  test('keeps no rows where none are wanted, and info says so', async () => {
    const bare = folder.path('bare.batl')
    const built = await batl(['build', base, '-o', bare, '--metric', 'cosine', '--storage', 'none', '--threads', '2'])
    expect([built.status, built.stderr]).toEqual([0, ''])
    const { stdout } = await batl(['info', bare])
    expect(stdout).toMatch(/^rows +not kept: distances are approximate, by code alone$/m)
    // Beyond what codes reach there is one line, with that recall.
    expect(stdout.match(/^recall@10/gm)).toHaveLength(1)
    expect(Number(/^recall@10 (\S+)/m.exec(stdout)![1])).toBeGreaterThan(0.6)
    expect((await batl(['info', index])).stdout).toMatch(/^rows +i8$/m)
    const refused = await batl(['search', bare, query, '--probes', '5', '--rerank', '50'])
    expect(refused.status).toBe(1)
    expect(errorLine(refused)).toContain("storage 'none'")
  })

  test('refuses to overwrite, and leaves the file alone', async () => {
    const before = statSync(index).mtimeMs
    const outcome = await batl(['build', base, '-o', index])
    expect(errorLine(outcome)).toContain('--force')
    expect(outcome.status).toBe(1)
    expect(statSync(index).mtimeMs).toBe(before)
  })

  test('replaces with --force, prints statistics with --json, and leaves no other file', async () => {
    const path = folder.path('forced.batl')
    writeFileSync(path, 'old')
    const outcome = await batl(['build', query, '-o', path, '--force', '--json'])
    expect({ status: outcome.status, stderr: outcome.stderr }).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(outcome.stdout)).toMatchObject({ size: 300, dim: 100, metric: 'l2' })
    expect(readdirSync(dirname(path)).filter((name) => name.startsWith('forced'))).toEqual(['forced.batl'])
  })

  test('a file of ids gives string ids, and .ibin refuses them by name', async () => {
    const [path, names] = [folder.path('named.batl'), folder.path('names.txt')]
    writeFileSync(names, Array.from({ length: 300 }, (_, row) => `word-${row}\n`).join(''))
    expect(await batl(['build', query, '-o', path, '--ids', names])).toMatchObject({ status: 0, stderr: '' })
    const found = await batl(['search', path, query, '-k', '1'])
    expect(lines<Answer>(found.stdout).map(({ ids }) => ids)).toEqual(
      Array.from({ length: 300 }, (_, row) => [`word-${row}`]),
    )
    const refused = await batl(['search', path, query, '-k', '1', '-o', folder.path('named.ibin')])
    expect(errorLine(refused)).toContain('"word-0"')
    expect(refused.status).toBe(1)
    expect(existsSync(folder.path('named.ibin'))).toBe(false)
  })

  test('too few ids are refused', async () => {
    const names = folder.path('few.txt')
    writeFileSync(names, 'a\nb\n')
    const outcome = await batl(['build', query, '-o', folder.path('few.batl'), '--ids', names])
    expect(errorLine(outcome)).toMatch(/\b300\b/)
    expect(outcome.status).toBe(1)
    expect(existsSync(folder.path('few.batl'))).toBe(false)
  })

  test.each([50, 400, 1_500])('an interrupt after %i ms ends with 130 and leaves no partial file', async (ms) => {
    const path = folder.path(`interrupted-${ms}.batl`)
    // The paper's setting trains for far longer than the interrupt takes to come.
    const args = ['build', base, '-o', path, '--preset', 'published', '--metric', 'cosine']
    const outcome = await batl(args, { interruptAfter: ms })
    // Before the program has started to listen, the signal itself ends the process.
    if (outcome.status !== null) expect(outcome).toMatchObject({ status: 130, stderr: 'batl: interrupted\n' })
    else expect(ms).toBeLessThan(1_500)
    expect(readdirSync(dirname(path)).filter((name) => name.includes(`interrupted-${ms}`))).toEqual([])
  })
})

describe('search', () => {
  test('prints a JSON line a query, nearest first', async () => {
    const { status, stdout, stderr } = await batl(['search', index, query, '-k', '5', '--recall', '1'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const answers = lines<Answer>(stdout)
    expect(answers.map((answer) => answer.query)).toEqual([...Array(glove.queryCount).keys()])
    for (const { ids, distances } of answers) {
      expect([ids.length, distances.length]).toEqual([5, 5])
      expect(distances).toEqual([...distances].sort((a, b) => a - b))
    }
    expect(
      recall(
        answers.flatMap(({ ids }) => ids as number[]),
        5,
      ),
    ).toBeGreaterThan(0.999)
    expect(answers[0]!.distances[0]).toBeCloseTo(glove.groundTruth.distances[0]!, 4)
  })

  test('writes the same answers as .ibin', async () => {
    const path = folder.path('result.ibin')
    const args = ['search', index, query, '--probes', '4']
    const [printed, written] = [await batl(args), await batl([...args, '-o', path])]
    expect(written).toEqual({ status: 0, stdout: '', stderr: '' })
    const result = readIbin(path)
    expect([result.count, result.k]).toEqual([glove.queryCount, 10])
    const answers = lines<Answer>(printed.stdout)
    expect(Array.from(result.ids)).toEqual(answers.flatMap(({ ids }) => ids))
    expect(Array.from(result.distances)).toEqual(answers.flatMap(({ distances }) => distances.map(Math.fround)))
  })

  test('queries of another dimension are refused', async () => {
    const path = folder.path('narrow.fbin')
    writeFileSync(path, Buffer.from(Uint32Array.of(1, 3, 0x3f800000, 0x3f800000, 0x3f800000).buffer))
    const outcome = await batl(['search', index, path])
    expect(errorLine(outcome)).toMatch(/\b3\b.*\b100\b/)
    expect(outcome.status).toBe(1)
  })
})

describe('exact and eval', () => {
  test('exact writes the true neighbours, and eval judges by them', async () => {
    const path = folder.path('gt.ibin')
    const exact = await batl(['exact', base, query, '-k', '20', '--metric', 'cosine', '-o', path])
    expect(exact).toEqual({ status: 0, stdout: '', stderr: '' })
    const result = readIbin(path)
    expect([result.count, result.k]).toEqual([glove.queryCount, 20])
    expect(recall(result.ids, 20)).toBeGreaterThan(0.9999)

    const judged = await batl(['eval', index, query, '--ground-truth', path, '--recall', '0.9,1', '--json'])
    expect({ status: judged.status, stderr: judged.stderr }).toEqual({ status: 0, stderr: '' })
    const [easy, full, ...rest] = lines<Record<string, number>>(judged.stdout)
    expect(rest).toEqual([])
    expect(Object.keys(easy!)).toEqual(
      'k target recall qps p50_us p99_us candidates_pct probes rerank bytes_per_vector'.split(' '),
    )
    expect(easy).toMatchObject({ k: 10, target: 0.9 })
    expect(easy!['recall']).toBeGreaterThan(0.87)
    expect(full!['recall']).toBeGreaterThan(0.9999)
    expect(easy!['candidates_pct']).toBeLessThan(full!['candidates_pct']!)
  })

  test('eval by probes prints one row a setting, targets left open', async () => {
    const args = ['eval', index, query, '--ground-truth', truth, '--probes', '1,4', '-k', '5']
    const [shown, json] = [await batl(args), await batl([...args, '--json'])]
    expect(shown.stdout.trimEnd().split('\n')).toHaveLength(3)
    const rows = lines<Record<string, number | null>>(json.stdout)
    expect(rows.map(({ k, target, probes }) => ({ k, target, probes }))).toEqual([
      { k: 5, target: null, probes: 1 },
      { k: 5, target: null, probes: 4 },
    ])
    expect(rows[1]!['recall']).toBeGreaterThan(rows[0]!['recall']!)
  })

  test('an interrupt ends eval with 130, with nothing printed', async () => {
    const args = ['eval', index, query, '--ground-truth', truth, '--recall', Array(500).fill('1').join(',')]
    expect(await batl(args, { interruptAfter: 1_500 })).toEqual({
      status: 130,
      stdout: '',
      stderr: 'batl: interrupted\n',
    })
  })

  test('ground truth that is too narrow is refused', async () => {
    const outcome = await batl(['eval', index, query, '--ground-truth', truth, '-k', '101'])
    expect(errorLine(outcome)).toContain('-k 100')
    expect(outcome.status).toBe(1)
  })
})

describe('info', () => {
  test('prints statistics, as text and as one object', async () => {
    const [text, json] = [await batl(['info', index]), await batl(['info', index, '--json'])]
    expect(text.stdout).toContain('10,000 x 100, cosine')
    const stats = JSON.parse(json.stdout) as Record<string, unknown>
    expect(stats).toMatchObject({ size: 10_000, dim: 100, metric: 'cosine' })
    expect(stats['leaves']).toBeGreaterThan(1)
    expect(stats['bytesPerVector']).toBeGreaterThan(100)
  })
})
