import { describe, expect, test } from '@jest/globals'
import { Rng } from '../../../build/base/rng.js'

const take = (rng: Rng, count: number): number[] => Array.from({ length: count }, () => rng.uint32())

describe('a stream of random numbers', () => {
  test('is the same for the same seed and stream, and for ever', () => {
    expect(take(new Rng(42, 3), 50)).toEqual(take(new Rng(42, 3), 50))
    // Indexes that were built before must be built again with the same bytes.
    expect(take(new Rng(1), 3)).toEqual([1_080_862_987, 3_546_521_498, 2_861_869_171])
  })

  test('differs by seed, by the upper half of a large seed, and by stream', () => {
    const streams = [
      new Rng(1),
      new Rng(2),
      new Rng(1, 1),
      new Rng(1 + 2 ** 32),
      new Rng(0),
      new Rng(Number.MAX_SAFE_INTEGER),
    ]
    const firsts = streams.map((rng) => take(rng, 4).join())
    expect(new Set(firsts).size).toBe(streams.length)
  })

  test('streams of one seed are not correlated', () => {
    const [a, b] = [new Rng(9, 1), new Rng(9, 2)]
    let sum = 0
    for (let i = 0; i < 20_000; i++) sum += a.normal() * b.normal()
    expect(Math.abs(sum / 20_000)).toBeLessThan(0.03)
  })
})

test('uniform numbers fill [0, 1) evenly', () => {
  const rng = new Rng(5)
  const bins = new Uint32Array(16)
  for (let i = 0; i < 64_000; i++) {
    const value = rng.uniform()
    expect(value >= 0 && value < 1).toBe(true)
    bins[Math.floor(value * 16)]!++
  }
  for (const bin of bins) expect(Math.abs(bin - 4000)).toBeLessThan(300)
})

test('below gives each of its numbers, evenly', () => {
  const rng = new Rng(6)
  const bins = new Uint32Array(7)
  for (let i = 0; i < 14_000; i++) bins[rng.below(7)]!++
  for (const bin of bins) expect(Math.abs(bin - 2000)).toBeLessThan(200)
  expect(new Rng(6).below(1)).toBe(0)
})

test('normal numbers have mean 0, variance 1 and the right tails', () => {
  const rng = new Rng(7)
  let [sum, squares, beyondTwo] = [0, 0, 0]
  for (let i = 0; i < 40_000; i++) {
    const value = rng.normal()
    expect(Number.isFinite(value)).toBe(true)
    sum += value
    squares += value * value
    if (Math.abs(value) > 2) beyondTwo++
  }
  expect(Math.abs(sum / 40_000)).toBeLessThan(0.02)
  expect(Math.abs(squares / 40_000 - 1)).toBeLessThan(0.03)
  expect(Math.abs(beyondTwo / 40_000 - 0.0455)).toBeLessThan(0.005)
})

test('a shuffle is a permutation in which each number comes to each place alike', () => {
  const at = new Uint32Array(5 * 5)
  const rng = new Rng(11)
  for (let i = 0; i < 5000; i++) {
    const shuffled = rng.shuffle([0, 1, 2, 3, 4])
    expect(shuffled.slice().sort()).toEqual([0, 1, 2, 3, 4])
    shuffled.forEach((value, place) => at[place * 5 + value]!++)
  }
  for (const times of at) expect(Math.abs(times - 1000)).toBeLessThan(150)
})

test('a sample holds distinct numbers, each alike, and all of them when asked for as many or more', () => {
  const rng = new Rng(12)
  const times = new Uint32Array(10)
  for (let i = 0; i < 5000; i++) {
    const some = rng.sample(10, 3)
    expect(new Set(some).size).toBe(3)
    for (const value of some) times[value]!++
  }
  for (const many of times) expect(Math.abs(many - 1500)).toBeLessThan(180)
  expect([...rng.sample(6, 9)].sort()).toEqual([0, 1, 2, 3, 4, 5])
  expect(rng.sample(6, 0).length).toBe(0)
})
