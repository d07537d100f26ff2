import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { adamStep, addNorm } from '../reference/neural.js'
import { COUNTS, DIMS, onEachBinary, putFloats, randomValues } from './harness.js'

onEachBinary((open) => {
  test.each([false, true])('addNorm normalises each row, one x for all rows: %p', (shared) => {
    const arena = open()
    for (const n of DIMS) {
      for (const count of COUNTS) {
        const rng = new Rng(n + count)
        const stride = (n + 3) & ~3
        const rows = (many: number): number[][] => Array.from({ length: many }, () => randomValues(rng, stride, false))
        const x = rows(shared ? 1 : count)
        const y = rows(count)
        const norm = Float32Array.from({ length: 2 * n }, () => rng.normal())
        const xAt = putFloats(arena, x.flat())
        const out = putFloats(arena, y.flat())
        const { kernels } = arena
        kernels.addNorm(
          xAt,
          shared ? 0 : stride * 4,
          out,
          stride * 4,
          putFloats(arena, norm),
          n,
          count,
          out,
          stride * 4,
        )
        y.forEach((row, i) => {
          const found = arena.f32(out + i * stride * 4, stride)
          const wanted = addNorm((shared ? x[0]! : x[i]!).slice(0, n), row.slice(0, n), norm)
          wanted.forEach((value, j) => expect(Math.abs(found[j]! - value)).toBeLessThanOrEqual(2e-5))
          expect(Array.from(found.subarray(n))).toEqual(row.slice(n))
        })
      }
    }
  })

  test('adamStep moves weights and moments as the scalar twin does, to the bit', () => {
    const arena = open()
    for (const count of [4, 8, 132]) {
      const rng = new Rng(count)
      const draw = (): number[] => Array.from({ length: count }, () => Math.fround(rng.normal()))
      const [weights, mean, one, other] = [draw(), draw(), draw(), draw()]
      const square = draw().map((value) => Math.fround(value * value))
      // A weight that nothing has ever moved.
      mean[1] = square[1] = one[1] = other[1] = 0
      const shares = [1 / 7, 0.9, 1 - 0.9, 0.999, 1 - 0.999, 0.01, 1e-8] as const
      const [weightsAt, meanAt, squareAt] = [weights, mean, square].map((values) => putFloats(arena, values)) as [
        number,
        number,
        number,
      ]
      arena.kernels.adamStep(
        weightsAt,
        meanAt,
        squareAt,
        putFloats(arena, one),
        putFloats(arena, other),
        count,
        ...shares,
      )
      for (let i = 0; i < count; i++) {
        const wanted = adamStep(weights[i]!, mean[i]!, square[i]!, one[i]!, other[i]!, shares)
        const found = [weightsAt, meanAt, squareAt].map((address) => arena.f32(address, count)[i])
        expect(found).toEqual(wanted)
      }
      expect(arena.f32(weightsAt, count)[1]).toBe(weights[1])
    }
  })
})
