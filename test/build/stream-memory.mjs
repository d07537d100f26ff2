/**
 * Builds an index from a stream, in a process of its own with `--expose-gc`: `node stream-memory.mjs SIZE DIM`. Prints the
 * bytes of the rows, of all memories of WebAssembly at their largest together, and the most blocks that were alive at once.
 */
import { BatlIndex } from '../../build/index.js'

const BLOCK = 250
const [size, dim] = process.argv.slice(2).map(Number)

/** Every memory that is made, and those of builds are made on this thread. */
const memories = []
const { Memory } = WebAssembly
WebAssembly.Memory = class extends Memory {
  constructor(descriptor) {
    super(descriptor)
    memories.push(this)
  }
}
let mostMemory = 0
let mostBlocks = 0
let blocks = []
function look() {
  mostMemory = Math.max(
    mostMemory,
    memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0),
  )
}

async function* stream() {
  for (let from = 0; from < size; from += BLOCK) {
    // In a turn of its own, so that no stack holds a block; what is alive then, the library keeps.
    await new Promise((resolve) => setTimeout(resolve))
    globalThis.gc()
    blocks = blocks.filter((block) => block.deref() !== undefined)
    mostBlocks = Math.max(mostBlocks, blocks.length)
    look()
    const count = Math.min(BLOCK, size - from)
    const block = Float32Array.from({ length: count * dim }, (_, i) => ((from * dim + i) * 7919) % 1009)
    blocks.push(new WeakRef(block.buffer))
    yield block
  }
}

const timer = setInterval(look, 1)
const index = await BatlIndex.build(stream(), { dim, trainer: 'wasm', threads: 1 })
look()
clearInterval(timer)
const { leaves } = index.stats()
console.log(JSON.stringify({ rows: size * dim * 4, memory: mostMemory, blocks: mostBlocks, leaves }))
await index.close()
