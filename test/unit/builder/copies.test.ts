import { describe, expect, test } from '@jest/globals'
import { partsOf } from '../../../build/builder/copies.js'
import type { Labelled } from '../../../build/builder/context.js'

/** So many stored rows as queries with two neighbours each, in their order. */
function storedRows(count: number): Labelled {
  const numbers = new Uint32Array(count).map((_, i) => i)
  const neighbours = new Uint32Array(2 * count).map((_, i) => 7 * i)
  return { queries: { positions: numbers.map((i) => 3 * i) }, count, k: 2, neighbours, order: numbers }
}

/** The bytes of an array. */
function bytes({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function same(one: Uint32Array, other: Uint32Array): boolean {
  return Buffer.compare(bytes(one), bytes(other)) === 0
}

describe('parts of a set of queries', () => {
  test.each([1, 131_072, 131_073, 300_000])('of %i stored rows hold each once, in order', (count) => {
    const set = storedRows(count)
    const parts = partsOf(set)
    expect(parts.length).toBe(Math.ceil(count / 131_072))
    let first = 0
    for (const part of parts) {
      const end = first + part.count
      expect(part.k).toBe(2)
      expect(same(part.queries.positions!, set.queries.positions!.subarray(first, end))).toBe(true)
      expect(same(part.neighbours, set.neighbours.subarray(2 * first, 2 * end))).toBe(true)
      expect(same(part.order!, set.order!.subarray(0, part.count))).toBe(true)
      first = end
    }
    expect(first).toBe(count)
  })

  test('queries of a log stay together, since they follow an order of their own', () => {
    const logged: Labelled = { ...storedRows(200_000), queries: { matrix: new Float32Array(2) } }
    expect(partsOf(logged)).toEqual([logged])
  })
})
