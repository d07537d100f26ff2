import { parentPort, workerData } from 'node:worker_threads'
import { BatlIndex } from '../../build/index.js'

/** Attach to the index of the thread that started this one, search it and say what was found. */
const { handle, queries } = workerData
const index = await BatlIndex.attach(handle)
const ids = []
const distances = new Float32Array((queries.length / index.dim) * 4)
for (let i = 0; i * index.dim < queries.length; i++) {
  const found = index.search(queries.subarray(i * index.dim, (i + 1) * index.dim), { k: 4 })
  ids.push(...found.ids)
  distances.set(found.distances, i * 4)
}
const answer = { ids, distances, size: index.size, row: index.get('id 5'), known: index.has('id 7') }
await index.close()
parentPort.postMessage(answer)
