import { describe, expect, test } from '@jest/globals'
import {
  knownOptions,
  nearestName,
  numberIn,
  oneOf,
  resolveBuildOptions,
  resolveSearchOptions,
  resolveThreads,
} from '../../../build/base/options.js'

describe('the nearest name', () => {
  const names = ['metric', 'leafSize', 'codeBytes', 'threads', 'trees', 'onProgress', 'k']
  test.each([
    ['metrics', 'metric'],
    ['Metric', 'metric'],
    ['mertic', 'metric'],
    ['leaf-size', 'leafSize'],
    ['leaf_size', 'leafSize'],
    ['LEAFSIZE', 'leafSize'],
    ['leaveSize', 'leafSize'],
    ['codebyte', 'codeBytes'],
    ['thread', 'threads'],
    ['onprogres', 'onProgress'],
    ['K', 'k'],
  ])('to %s is %s', (given, wanted) => {
    expect(nearestName(given, names)).toBe(wanted)
  })

  test.each(['zzzzzzzz', 'somethingElse', ''])('to %s there is none', (given) => {
    if (given === '') expect(nearestName(given, ['metric'])).toBeUndefined()
    else expect(nearestName(given, names)).toBeUndefined()
  })
})

test('known options leave out what is undefined, and keep null to be refused', () => {
  expect(knownOptions({ a: 1, b: undefined, c: null }, ['a', 'b', 'c'])).toEqual({ a: 1, c: null })
  expect(knownOptions(undefined, [])).toEqual({})
  expect(() => knownOptions({ b: 1 }, ['a'])).toThrow("unknown option 'b'")
  // A name that is unknown and undefined is absent as well.
  expect(knownOptions({ x: undefined }, ['a'])).toEqual({})
})

test('numbers are checked for kind, range and wholeness', () => {
  expect(numberIn('n', undefined, { min: 1, max: 5 }, 3)).toBe(3)
  expect(numberIn('n', 5, { min: 1, max: 5 }, 3)).toBe(5)
  expect(numberIn('n', 1.5, { min: 1, max: 5, integer: false }, 3)).toBe(1.5)
  for (const bad of [0, 6, 1.5, NaN, Infinity, '3', null, 3n, [3], true]) {
    expect(() => numberIn('n', bad, { min: 1, max: 5 }, 3)).toThrow(/^n is .* a whole number from 1 to 5 is expected$/)
  }
})

test('a name that is not allowed is refused with the list and the nearest', () => {
  expect(oneOf('metric', undefined, ['l2', 'ip'], 'l2')).toBe('l2')
  expect(() => oneOf('metric', 'l3', ['l2', 'ip'], 'l2')).toThrow(
    "metric is 'l3', but one of 'l2', 'ip' is expected; did you mean 'l2'?",
  )
  expect(() => oneOf('metric', 'x'.repeat(99), ['l2', 'ip'], 'l2')).toThrow(/'x{40}…'/)
})

test('threads: nothing and 0 are one a core', () => {
  expect(resolveThreads(undefined, 6)).toBe(6)
  expect(resolveThreads(0, 6)).toBe(6)
  expect(resolveThreads(3, 6)).toBe(3)
})

test('build options are filled in and frozen; the published preset is the paper', () => {
  const plain = resolveBuildOptions(undefined, 4)
  expect(plain).toMatchObject({ metric: 'l2', router: 'linear', slack: 1.2, trees: 1, start: 'clusters', threads: 4 })
  expect(plain).toMatchObject({ trainer: 'auto', seed: 1, rounds: 0 })
  expect(Object.isFrozen(plain)).toBe(true)
  const published = resolveBuildOptions({ preset: 'published' }, 4)
  expect(published).toMatchObject({ router: 'seq2seq', slack: 1, copies: 1, start: 'random' })
  expect(published.rounds).toBeGreaterThan(1)
  // What is said beside the preset counts.
  const mine = resolveBuildOptions({ preset: 'published', router: 'linear', slack: 1.1, rounds: 2, trees: 4 }, 4)
  expect(mine).toMatchObject({ router: 'linear', slack: 1.1, rounds: 2, trees: 4, start: 'random' })
})

test('search options default to 10 neighbours at a recall of .95', () => {
  expect(resolveSearchOptions(undefined)).toEqual({ k: 10, recall: 0.95, probes: undefined })
  expect(resolveSearchOptions({})).toEqual({ k: 10, recall: 0.95, probes: undefined })
  expect(resolveSearchOptions({ k: 3, probes: 7 })).toEqual({ k: 3, recall: undefined, probes: 7 })
  expect(resolveSearchOptions({ recall: 1 })).toEqual({ k: 10, recall: 1, probes: undefined })
  expect(resolveSearchOptions({ threads: 2 }, ['threads'])).toMatchObject({ k: 10 })
})
