import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { chooseLeaf, margin } from '../reference/assign.js'
import { COUNTS, DIMS, onEachBinary, putFloats, putIntegers } from './harness.js'

const END = 0xffffffff

onEachBinary((open) => {
  test.each([true, false])(
    'points choose the best score less price and know what they would lose, dense: %p',
    (dense) => {
      const arena = open()
      for (const m of DIMS) {
        for (const count of COUNTS) {
          for (const coarse of [true, false]) {
            const rng = new Rng(m + count)
            const total = count + 3
            const leafCount = dense ? m : m + 20
            const value = (): number => (coarse ? rng.below(3) : Math.fround(rng.normal()))
            const leaves = Array.from({ length: total }, () => {
              const list = [...rng.sample(leafCount, m)]
              if (rng.below(4) === 0) list[rng.below(m)] = END
              return list
            })
            const scores = Array.from({ length: total }, () => Array.from({ length: m }, value))
            const prices = Array.from({ length: leafCount }, value)
            const leavesAt = dense ? 0 : putIntegers(arena, leaves.flat())
            const scoresAt = putFloats(arena, scores.flat())
            const pricesAt = putFloats(arena, prices)
            const leafOfAt = putIntegers(arena, new Array<number>(total).fill(77))
            const out = arena.allocate(count * 4)
            // A few points out of all, then the first ones.
            for (const points of [rng.sample(total, count), undefined]) {
              const pointsAt = points === undefined ? 0 : putIntegers(arena, points)
              arena.u32(leafOfAt, total).fill(77)
              arena.kernels.chooseLeaves(pointsAt, count, leavesAt, scoresAt, pricesAt, m, leafOfAt)
              arena.kernels.margins(pointsAt, count, leavesAt, scoresAt, pricesAt, m, leafOfAt, out)

              const chosen = points ?? Uint32Array.from({ length: count }, (_, i) => i)
              const listOf = (i: number): number[] | undefined => (dense ? undefined : leaves[i])
              const wanted = new Array<number>(total).fill(77)
              for (const point of chosen) wanted[point] = chooseLeaf(listOf(point), scores[point]!, prices)
              expect(Array.from(arena.u32(leafOfAt, total))).toEqual(wanted)
              const lost = Array.from(chosen, (point) => margin(listOf(point), scores[point]!, prices, wanted[point]!))
              expect(Array.from(arena.f32(out, count))).toEqual(lost)
            }
          }
        }
      }
    },
  )
})
