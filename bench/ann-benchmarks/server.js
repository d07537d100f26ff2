// @ts-check
/**
 * An index behind two pipes, for callers in another language: module.py drives it for ann-benchmarks.
 *
 * A request is `u32 operation, u32 length` and so many bytes, an answer `u32 status, u32 length` and so many, little-endian.
 * Status 0 is an answer, 1 an error, whose bytes are its message; the server goes on after either. It ends with its input.
 *
 *   1 build   JSON { rows: path of a file that readVectors knows, options } -> JSON stats
 *   2 effort  JSON search options: { recall } or { probes, rerank }         -> nothing
 *   3 query   u32 k, f32 [dim]                                              -> u32 [k] row numbers
 *   4 batch   u32 k, u32 count, f32 [count x dim]                           -> u32 [count x k]
 *   5 memory  nothing                                                       -> JSON { bytes } of this process
 */
import { readFileSync, readSync, writeSync } from 'node:fs'

/** @type {typeof import('../../build/index.js')} */
const { BatlIndex } = await import(process.env['BATL_MODULE'] ?? 'batl')

/** @type {import('../../build/index.js').BatlIndex | undefined} */
let index
/** @type {import('../../build/index.js').SearchOptions} */
let effort = {}

function built() {
  if (index === undefined) throw new Error('no index was built yet; send operation 1 first')
  return index
}

/** @param {Uint8Array} bytes */
const text = (bytes) => new TextDecoder().decode(bytes)
/** @param {unknown} value */
const json = (value) => new TextEncoder().encode(JSON.stringify(value))
/** @param {Uint8Array} bytes @param {number} from */
const floats = (bytes, from) => new Float32Array(bytes.slice(from).buffer)
/** @param {Uint8Array} bytes @param {number} at */
const u32 = (bytes, at) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true)
/** @param {import('../../build/index.js').IdArray} ids */
const numbers = (ids) => new Uint8Array(Uint32Array.from(ids, Number).buffer)

/** @type {Record<number, (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>>} */
const OPERATIONS = {
  1: async (bytes) => {
    /** @type {{ rows: string, options: import('../../build/index.js').BuildOptions }} */
    const { rows, options } = JSON.parse(text(bytes))
    await index?.close()
    index = undefined
    const made = await BatlIndex.build(rows, options)
    index = made
    return json(made.stats())
  },
  2: (bytes) => {
    effort = JSON.parse(text(bytes))
    return new Uint8Array(0)
  },
  3: (bytes) => numbers(built().search(floats(bytes, 4), { ...effort, k: u32(bytes, 0) }).ids),
  4: async (bytes) => {
    const [k, dim] = [u32(bytes, 0), built().dim]
    const { ids } = await built().searchBatch(floats(bytes, 8), { ...effort, k, dim })
    return numbers(ids)
  },
  5: () => json({ bytes: Number(/VmRSS:\s+(\d+)/.exec(status())?.[1] ?? process.memoryUsage.rss() / 1024) * 1024 }),
}

function status() {
  try {
    return readFileSync('/proc/self/status', 'utf8')
  } catch {
    return ''
  }
}

/** So many bytes of standard input, read in one thread with the search: the shortest way to an answer. @param {number} length */
function read(length) {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length;) {
    const got = readSync(0, bytes, at, length - at, null)
    if (got === 0) return undefined
    at += got
  }
  return bytes
}

/** @param {number} status @param {Uint8Array} bytes */
function answer(status, bytes) {
  const whole = new Uint8Array(8 + bytes.length)
  const head = new DataView(whole.buffer)
  head.setUint32(0, status, true)
  head.setUint32(4, bytes.length, true)
  whole.set(bytes, 8)
  for (let at = 0; at < whole.length;) at += writeSync(1, whole, at)
}

for (let head = read(8); head !== undefined; head = read(8)) {
  const bytes = read(u32(head, 4))
  if (bytes === undefined) break
  try {
    const operation = OPERATIONS[u32(head, 0)]
    if (operation === undefined) throw new Error(`operation ${u32(head, 0)} is unknown; 1 to 5 are known`)
    answer(0, await operation(bytes))
  } catch (error) {
    answer(1, new TextEncoder().encode(error instanceof Error ? error.message : String(error)))
  }
}
await index?.close()
