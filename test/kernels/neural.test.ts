import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { addNorm } from '../reference/neural.js'
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
})
