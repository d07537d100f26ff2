// Saves two contents over each other in a loop until it is killed: node save-loop.mjs TARGET FIRST SECOND
import { readFileSync } from 'node:fs'
import { writeAtomic } from '../../build/io/node.js'

const [target, ...names] = process.argv.slice(2)
const contents = names.map((name) => readFileSync(name))
process.stdout.write('ready\n')
for (let turn = 0; ; turn++) {
  const content = contents[turn % contents.length]
  const half = content.length >> 1
  await writeAtomic(target, [content.subarray(0, half), content.subarray(half)])
}
