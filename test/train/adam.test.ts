import { expect, test } from '@jest/globals'
import { Adam, decayedRate } from '../../build/train/adam.js'
import { Rng } from '../../build/base/rng.js'
import { loadBuildKernels } from '../../build/kernels/load-build.js'

await loadBuildKernels()

test.each([33, 40_001])('moves %i weights in place as the paper says, by the sum of two gradients', (length) => {
  const rng = new Rng(5)
  const draw = (): Float32Array => Float32Array.from({ length }, () => rng.normal())
  const weights = draw()
  const wanted = Float64Array.from(weights)
  const [first, second] = [new Float64Array(length), new Float64Array(length)]
  const adam = new Adam(weights)
  for (let step = 1; step <= 20; step++) {
    const [one, other] = [draw(), draw()]
    const rate = decayedRate(0.01, step - 1, 20)
    adam.step(one, other, 1 / 7, rate)
    for (let i = 0; i < length; i++) {
      const gradient = (one[i]! + other[i]!) / 7
      first[i] = 0.9 * first[i]! + 0.1 * gradient
      second[i] = 0.999 * second[i]! + 0.001 * gradient ** 2
      const root = Math.sqrt(second[i]! / (1 - 0.999 ** step)) + 1e-8
      wanted[i]! -= (rate * (first[i]! / (1 - 0.9 ** step))) / root
    }
  }
  weights.forEach((weight, i) => expect(weight).toBeCloseTo(wanted[i]!, 5))
})

test('a weight that no gradient asks for stays', () => {
  const weights = Float32Array.of(0.5, -1)
  const adam = new Adam(weights)
  adam.step(Float32Array.of(0, 1), Float32Array.of(0, 1), 0.5, 0.1)
  expect(weights[0]).toBe(0.5)
  expect(weights[1]).toBeCloseTo(-1.1, 6)
})
