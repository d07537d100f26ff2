import { expect, test } from '@jest/globals'
import { Rng } from '../../build/base/rng.js'
import { chooseByPrice, regret } from '../reference/assign.js'
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
            const leafCount = dense ? m : m + 20
            const value = (): number => (coarse ? rng.below(3) : Math.fround(rng.normal()))
            const leaves = Array.from({ length: count }, () =>
              Array.from({ length: m }, () => (rng.below(12) === 0 ? END : rng.below(leafCount))),
            )
            const scores = Array.from({ length: count }, () => Array.from({ length: m }, value))
            const prices = Array.from({ length: leafCount }, value)
            const leavesAt = dense ? 0 : putIntegers(arena, leaves.flat())
            const scoresAt = putFloats(arena, scores.flat())
            const pricesAt = putFloats(arena, prices)
            const choiceAt = arena.allocate(count * 4)
            const loadsAt = putIntegers(arena, new Array<number>(leafCount).fill(1))
            const out = arena.allocate(count * 4)
            arena.kernels.chooseByPrice(leavesAt, scoresAt, pricesAt, count, m, choiceAt, loadsAt)
            arena.kernels.regrets(leavesAt, scoresAt, pricesAt, count, m, choiceAt, out)

            const loads = new Array<number>(leafCount).fill(1)
            const listOf = (i: number): number[] | undefined => (dense ? undefined : leaves[i])
            const choices = scores.map((row, i) => chooseByPrice(listOf(i), row, prices))
            choices.forEach((choice, i) => {
              if (choice >= 0) loads[listOf(i)?.[choice] ?? choice]!++
            })
            expect(Array.from(arena.u32(choiceAt, count), (choice) => choice | 0)).toEqual(choices)
            expect(Array.from(arena.u32(loadsAt, leafCount))).toEqual(loads)
            const wanted = scores.map((row, i) => regret(listOf(i), row, prices, choices[i]!))
            expect(Array.from(arena.f32(out, count))).toEqual(wanted)
          }
        }
      }
    },
  )
})
