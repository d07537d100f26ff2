// @ts-check
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { BatlIndex } from '../../build/index.js'
import { serve } from './serve.js'

/** @type {BatlIndex | undefined} */
let index
/** @type {import('../../build/index.js').SearchOptions} */
let options = {}

function opened() {
  if (index === undefined) throw new Error('open comes before search')
  return index
}

await serve({
  async build({ set, settings: { log, ...settings }, threads, folder }) {
    const built = await BatlIndex.build(set.rows, {
      metric: set.metric,
      ...(log === true ? { queries: set.log } : {}),
      ...settings,
      threads,
    })
    const file = join(folder, 'index.batl')
    await built.save(file)
    const { trainer, phaseSeconds, leaves, router, bytes } = built.stats()
    await built.close()
    return { fileBytes: statSync(file).size, trainer, phaseSeconds, leaves, router, bytes }
  },
  async open({ folder }) {
    index = await BatlIndex.open(join(folder, 'index.batl'))
    const { leaves, bytes } = index.stats()
    return { leaves, codes: bytes.codes > 0 }
  },
  prepare(setting, k) {
    options = { ...setting, k }
  },
  search: (query) => opened().search(query, options).ids,
  batch: async (queries, _k, threads) => (await opened().searchBatch(queries, { ...options, threads })).ids,
})
await index?.close()
