import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { KERNELS } from '../../bench/kernels/table.js'

test('every exported kernel has an entry in the table of bench:kernels', () => {
  const bytes = readFileSync(new URL('../../build/wasm/strict.wasm', import.meta.url))
  const exported = WebAssembly.Module.exports(new WebAssembly.Module(bytes))
    .filter(({ kind }) => kind === 'function')
    .map(({ name }) => name)
    // What only tells a size, or where the host's memory begins.
    .filter((name) => !/Bytes$|^heapBase$/.test(name))
  const timed = KERNELS.map(({ name }) => name.split(/[ ,]/)[0]!)
  const missing = exported.filter(
    // Some kernels are timed together, under the beginning of their names.
    (name) => !timed.some((entry) => entry === name || (/^(heap|hash)$/.test(entry) && name.startsWith(entry))),
  )
  expect(missing).toEqual([])
})
