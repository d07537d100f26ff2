import { expect, test } from '@jest/globals'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { viewSnapshot } from '../../build/format/decode.js'
import { seal } from '../../build/format/encode.js'
import { makeRegion } from './make.js'

test('opening and sealing 60 MB with half a million ids never hold the event loop for long', async () => {
  const region = await makeRegion({ size: 500_000, dim: 64, idKind: 'f64', arities: [64], copies: 1.5 })
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  await new Promise((resolve) => setTimeout(resolve, 20))
  delay.reset()
  await seal(region)
  const snapshot = await viewSnapshot(region, () => true)
  delay.disable()
  expect(snapshot.size).toBe(500_000)
  expect(delay.max / 1e6).toBeLessThan(50)
})
