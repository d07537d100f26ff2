import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import type { Arena } from '../../build/kernels/memory.js'
import { bestFirst, countAbove, keepNear, selectBest } from '../reference/select.js'
import { COUNTS, onEachBinary, putFloats, putIntegers } from './harness.js'

/** Select with `selectBest`, with guards behind everything that it writes. */
function select(arena: Arena, scores: ArrayLike<number>, width: number) {
  const { kernels } = arena
  const count = scores.length
  const scoresAt = putFloats(arena, scores)
  const scratchBytes = kernels.selectBytes(count, width)
  const scratch = arena.allocate(scratchBytes + 16)
  arena.u8(scratch + scratchBytes, 16).fill(77)
  const indices = arena.allocate(width * 4 + 4)
  const best = arena.allocate(width * 4 + 4)
  arena.u32(indices, width + 1)[width] = 12345
  const found = kernels.selectBest(scoresAt, count, width, scratch, indices, best)
  expect(arena.u32(indices, width + 1)[width]).toBe(12345)
  expect(Array.from(arena.u8(scratch + scratchBytes, 16))).toEqual(new Array<number>(16).fill(77))
  const result = { indices: Array.from(arena.u32(indices, found)), scores: Array.from(arena.f32(best, found)) }
  for (const address of [scoresAt, scratch, indices, best]) arena.free(address)
  return result
}

onEachBinary((open) => {
  test('selectBest gives the best, ties by lower index, in ascending order, for many distributions', () => {
    const arena = open()
    const makers: ((rng: Rng, i: number) => number)[] = [
      (rng) => rng.normal(),
      (rng) => rng.below(5) - 2,
      () => 1.5,
      (_, i) => i,
      (_, i) => -i * 1e30,
      (rng) => (rng.below(3) === 0 ? NaN : rng.normal() * 1e-40),
      (rng) => [NaN, Infinity, -Infinity, 0, -0, 1][rng.below(6)]!,
      (rng) => 1000 + rng.uniform() * 1e-2,
    ]
    for (const make of makers) {
      for (const [count, width] of [
        ...COUNTS.map((n) => [n, 4] as const),
        [33, 0],
        [100, 1],
        [1000, 10],
        [1000, 1000],
        [1000, 2000],
        [1521, 61],
        [10_000, 10],
        [10_000, 2000],
      ] as const) {
        const rng = new Rng(count + width)
        const scores = Float32Array.from({ length: count }, (_, i) => make(rng, i))
        const wanted = selectBest(scores, width)
        const found = select(arena, scores, width)
        expect(found.indices).toEqual(wanted)
        expect(found.scores).toEqual(wanted.map((i) => (Number.isNaN(scores[i]!) ? -Infinity : scores[i])))
      }
    }
  })

  test('keepNear keeps what scores near the best, in place and in order', () => {
    const arena = open()
    const makers: ((rng: Rng, i: number) => number)[] = [
      (rng) => rng.normal(),
      (rng) => -30 * rng.uniform() ** 0.2,
      (rng) => rng.below(5) - 2,
      () => 1.5,
      (_, i) => i,
      (rng) => (rng.below(3) === 0 ? -Infinity : rng.normal()),
      (rng) => 1000 + rng.uniform() * 1e-2,
      (rng) => rng.normal() * 1e-40,
    ]
    const some = new Set<number>()
    for (const make of makers) {
      for (const count of [1, 2, 3, 4, 5, 15, 64, 97, 300]) {
        const rng = new Rng(count)
        const scores = Float32Array.from({ length: count }, (_, i) => make(rng, i))
        for (const reach of [1e-42, 1e-6, 0.1, 1, 3, 10, 40, 1e4, 1e38]) {
          const nodes = putIntegers(
            arena,
            Array.from({ length: count + 1 }, (_, i) => 2 * i + 1),
          )
          const at = arena.allocate(4 * count + 16)
          arena.f32(at, count).set(scores)
          const room = (count + 3) & ~3
          arena.f32(at, room + 1)[room] = 99
          const kept = arena.kernels.keepNear(nodes, at, count, reach)
          const wanted = keepNear(scores, reach)
          expect([...arena.u32(nodes, kept)]).toEqual(wanted.map((i) => 2 * i + 1))
          expect([...arena.f32(at, kept)]).toEqual(wanted.map((i) => scores[i]))
          expect([arena.u32(nodes, count + 1)[count], arena.f32(at, room + 1)[room]]).toEqual([2 * count + 1, 99])
          some.add(Math.sign(kept - 1) + Math.sign(count - kept) * 2)
          arena.free(nodes)
          arena.free(at)
        }
      }
    }
    // One, some and all were kept.
    expect([...some].sort()).toEqual([0, 1, 2, 3])
    expect(arena.kernels.keepNear(64, 64, 0, 1)).toBe(0)
  })

  test('sortBest puts nodes into the order of their scores, which stay', () => {
    const arena = open()
    for (const count of [...COUNTS, 1000]) {
      const rng = new Rng(count)
      const nodes = Array.from({ length: count }, () => rng.uint32())
      const scores = nodes.map((_, i) => (rng.below(9) === 0 ? NaN : i % 3 === 0 ? rng.below(5) - 2 : rng.normal()))
      const nodesAt = putIntegers(arena, nodes)
      const scoresAt = putFloats(arena, scores)
      const scratch = arena.allocate(arena.kernels.sortBytes(count))
      arena.kernels.sortBest(nodesAt, scoresAt, count, scratch)
      expect(Array.from(arena.u32(nodesAt, count))).toEqual(bestFirst(scores.map(Math.fround)).map((i) => nodes[i]))
      expect(Array.from(arena.f32(scoresAt, count))).toEqual(scores.map(Math.fround))
    }
  })

  test('countAbove counts the scores above a bound', () => {
    const arena = open()
    for (const count of [...COUNTS, 1000]) {
      const rng = new Rng(count)
      const scores = Array.from({ length: count }, () => (rng.below(9) === 0 ? NaN : rng.below(12) - 6))
      const at = putFloats(arena, scores)
      for (const bound of [-7, -1, 0, 2.5, 6, Infinity, -Infinity]) {
        expect(arena.kernels.countAbove(at, count, bound)).toBe(countAbove(scores, bound))
      }
    }
  })
})
