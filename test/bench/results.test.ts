import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { Results } from '../../bench/harness/results.js'

const folder = mkdtempSync(join(tmpdir(), 'batl-results-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a run that was killed in the middle of a line goes on after the last whole one', () => {
  const path = join(folder, 'recall.jsonl')
  const first = new Results(path)
  first.add({ key: 'a', value: 1 })
  first.add({ key: 'b', value: 2 })
  appendFileSync(path, '{"key":"c","val')
  const second = new Results(path)
  expect(second.find('a')).toEqual({ key: 'a', value: 1 })
  expect(second.find('c')).toBeUndefined()
  second.add({ key: 'c', value: 3 })
  second.add({ key: 'a', value: 4 })
  second.remove('b')
  expect(new Results(path).all()).toEqual([
    { key: 'a', value: 4 },
    { key: 'c', value: 3 },
  ])
  expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(2)
})
