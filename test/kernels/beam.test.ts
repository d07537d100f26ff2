import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { addLogSoftmax, expandChildren, scoreChildren } from '../reference/beam.js'
import { COUNTS, DIMS, onEachBinary, putFloats, putIntegers, randomValues, storeRows, tolerance } from './harness.js'

onEachBinary((open) => {
  test('scoreChildren scores the children of each parent', () => {
    const arena = open()
    for (const dim of DIMS) {
      for (const arity of [1, 3, 4, 5, 33]) {
        for (const whole of [true, false]) {
          const rng = new Rng(dim + arity)
          const z = storeRows(arena, 0, [randomValues(rng, dim, whole)], dim)
          const weights = Array.from({ length: 6 * arity }, () => randomValues(rng, dim, whole))
          const stored = storeRows(arena, 0, weights, dim)
          const bias = whole ? randomValues(rng, 6 * arity, true) : undefined
          const biasAt = bias === undefined ? 0 : putFloats(arena, bias)
          const parents = [0, 2, 5]
          const out = arena.allocate((3 * arity + 1) * 4)
          arena.f32(out, 3 * arity + 1).fill(99)
          const { address, stride } = stored
          arena.kernels.scoreChildren(
            z.address,
            dim,
            address,
            stride,
            biasAt,
            putIntegers(arena, parents),
            3,
            arity,
            out,
          )
          const found = arena.f32(out, 3 * arity + 1)
          expect(found[3 * arity]).toBe(99)
          const absolute = (values: readonly number[]): number[] => values.map(Math.abs)
          const bounds = scoreChildren(absolute(z.values[0]!), stored.values.map(absolute), undefined, parents, arity)
          scoreChildren(z.values[0]!, stored.values, bias, parents, arity).forEach((wanted, i) => {
            expect(Math.abs(found[i]! - wanted)).toBeLessThanOrEqual(whole ? 0 : tolerance(dim, bounds[i]!))
          })
        }
      }
    }
  })

  test('addLogSoftmax adds normalised log probabilities, also where exp would overflow or vanish', () => {
    const arena = open()
    for (const arity of DIMS) {
      for (const [spread, shift] of [
        [1, 0],
        [40, 500],
        [40, -500],
        [0, 3],
      ] as const) {
        for (const count of COUNTS) {
          const rng = new Rng(arity + count)
          const stride = (arity + 3) & ~3
          const logits = Array.from({ length: count }, () =>
            Float32Array.from({ length: stride }, () => rng.normal() * spread + shift),
          )
          const parents = Float32Array.from({ length: count }, () => -rng.uniform() * 5)
          const logitsAt = putFloats(
            arena,
            logits.flatMap((row) => Array.from(row)),
          )
          const parentsAt = putFloats(arena, parents)
          const out = arena.allocate((count * arity + 1) * 4)
          arena.f32(out, count * arity + 1).fill(99)
          arena.kernels.addLogSoftmax(logitsAt, stride, arity, count, parentsAt, out)
          const found = arena.f32(out, count * arity + 1)
          expect(found[count * arity]).toBe(99)
          addLogSoftmax(logits, arity, parents).forEach((wanted, i) => {
            expect(Math.abs(found[i]! - wanted)).toBeLessThanOrEqual(1e-6 * (8 + Math.abs(wanted)))
          })
        }
      }
    }
  })

  test('expandChildren turns places of the grid into node numbers', () => {
    const arena = open()
    const parents = [3, 4, 9]
    for (const arity of [1, 3, 16]) {
      const chosen = Array.from({ length: 3 * arity }, (_, i) => 3 * arity - 1 - i)
      const out = arena.allocate(chosen.length * 4)
      const { kernels } = arena
      const chosenAt = putIntegers(arena, chosen)
      kernels.expandChildren(putIntegers(arena, parents), 3, arity, chosenAt, chosen.length, out)
      expect(Array.from(arena.u32(out, chosen.length))).toEqual(expandChildren(parents, arity, chosen))
    }
  })
})
