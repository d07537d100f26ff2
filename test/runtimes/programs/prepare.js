/** Builds, in Node, the index that every runtime opens: `node prepare.js FOLDER`. */
import { BatlIndex } from 'batl'
import { writeFileSync } from 'node:fs'
import { answers, DIM, makeRows, SIZE, SMALL, sumOf } from './data.js'

const folder = process.argv[2]
const rows = makeRows(SIZE)
const index = await BatlIndex.build(rows, { dim: DIM, trainer: 'wasm', threads: 2 })
const bytes = index.toBytes()
const small = await BatlIndex.build(rows.subarray(0, SMALL * DIM), { dim: DIM })
writeFileSync(`${folder}trained.batl`, bytes)
writeFileSync(
  `${folder}broken.batl`,
  bytes.map((byte, i) => (i === bytes.length - 77 ? byte ^ 4 : byte)),
)
writeFileSync(`${folder}truncated.batl`, bytes.subarray(0, bytes.length - 1000))
writeFileSync(`${folder}small.batl`, small.toBytes())
writeFileSync(
  `${folder}expected.json`,
  JSON.stringify({
    ids: answers(index, rows),
    trainedSum: sumOf(bytes),
    smallSum: sumOf(small.toBytes()),
    leaves: index.stats().leaves,
  }),
)
await Promise.all([index.close(), small.close()])
