/**
 * Builds and closes indexes again and again, in a process of its own with `--expose-gc`: `node rounds.mjs ROUNDS TRAINED`.
 * TRAINED of the ROUNDS have a trained tree and two threads. Prints, after each tenth of the rounds, what the process holds.
 */
import { readdirSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { BatlIndex } from '../../build/index.js'

const DIM = 8
const [rounds, trained] = process.argv.slice(2).map(Number)
const rows = Float32Array.from({ length: 4200 * DIM }, (_, i) => ((i * 7919) % 997) + 40 * ((i >> 3) % 30))
const small = rows.subarray(0, 300 * DIM)

const threads = () => readdirSync('/proc/self/task').length
const files = () => readdirSync('/proc/self/fd').length

/** What the process holds once all that ends by itself has ended, and all garbage is gone. */
async function held() {
  for (let turn = 0; turn < 5; turn++) {
    globalThis.gc()
    await wait(40)
  }
  const { rss, external } = process.memoryUsage()
  return { rss, external, threads: threads(), files: files(), resources: process.getActiveResourcesInfo().sort() }
}

async function round(n) {
  if (n % Math.round(rounds / trained) !== 0) {
    const index = await BatlIndex.build(small, { dim: DIM })
    index.search(small.subarray(0, DIM))
    await index.close()
    return
  }
  const index = await BatlIndex.build(rows, { dim: DIM, trainer: 'wasm', threads: 2 })
  if (index.stats().leaves < 2) throw new Error('there is no tree')
  await index.searchBatch(small, { threads: 2 })
  await index.close()
}

const looks = []
for (let n = 0; n < rounds; n++) {
  await round(n)
  if ((n + 1) % (rounds / 10) === 0) looks.push(await held())
}
console.log(JSON.stringify(looks))
