import { writeFileSync } from 'node:fs'
import { deserialize } from 'node:v8'
import { BatlIndex } from '../../build/index.js'

/** Builds an index on threads, in a process of its own: `node threads-build.mjs INPUT OUTPUT`, INPUT as v8 serialises it. */
const { readFileSync } = await import('node:fs')
const [input, output] = process.argv.slice(2)
const { rows, options } = deserialize(readFileSync(input))
const index = await BatlIndex.build(rows, { ...options, threads: 2 })
writeFileSync(output, index.toBytes())
await index.close()
