import { expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'
import { groupItems } from '../../../build/base/groups.js'

test.each([
  [0, 1],
  [1, 1],
  [500, 1],
  [500, 7],
  [1000, 700],
])('%i items go by %i groups, those of one as they came', (count, groups) => {
  const rng = new Rng(count + groups)
  const groupOf = Uint32Array.from({ length: count }, () => rng.below(groups))
  const { offsets, items } = groupItems(groupOf, groups)
  const sorted = Array.from(groupOf.keys()).sort((a, b) => groupOf[a]! - groupOf[b]! || a - b)
  expect([...items]).toEqual(sorted)
  const before = (group: number): number => groupOf.filter((own) => own < group).length
  expect([...offsets]).toEqual(Array.from({ length: groups + 1 }, (_, group) => before(group)))
})

test('items of no group are left out, below and above', () => {
  const { offsets, items } = groupItems(Int32Array.of(2, -1, 0, 3, 2, 7), 3)
  expect([...offsets]).toEqual([0, 1, 1, 3])
  expect([...items]).toEqual([2, 0, 4])
})
