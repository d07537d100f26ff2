import { describe, expect, test } from '@jest/globals'
import { compareCosts } from '../../bench/guard/compare.js'
import { interpolate } from '../../bench/guard/costs.js'

describe('the regression guard', () => {
  const baseline = { 'recall 0.9': { rows: 100, bytes: 1000 } }

  test('tells worse from better and from noise', () => {
    const verdicts = (rows: number, bytes: number): string[] =>
      compareCosts({ 'recall 0.9': { rows, bytes } }, baseline).map(({ verdict }) => verdict)
    expect(verdicts(101, 999)).toEqual(['same', 'same'])
    expect(verdicts(103, 900)).toEqual(['worse', 'better'])
  })

  test('a cost from nothing is worse', () => {
    expect(compareCosts({ a: { codes: 5 } }, { a: { codes: 0 } })[0]!.verdict).toBe('worse')
  })

  test('refuses to compare what only one side counts', () => {
    expect(() => compareCosts({ 'recall 0.9': { rows: 100 } }, baseline)).toThrow('bytes is not counted any more')
    const more = { 'recall 0.9': { ...baseline['recall 0.9'], codes: 1 } }
    expect(() => compareCosts(more, baseline)).toThrow('codes is not in the baseline')
  })

  test('interpolates between the settings on both sides of a recall', () => {
    const costs = (value: number) => ({ codes: value, rows: value, bytes: value, multiplyAdds: value })
    const points = [
      { recall: 0.8, costs: costs(100) },
      { recall: 0.96, costs: costs(260) },
    ]
    expect(interpolate(points, 0.9).rows).toBeCloseTo(200)
    expect(interpolate(points, 0.5)).toEqual(costs(100))
    expect(() => interpolate(points, 0.99)).toThrow('0.99')
  })
})
