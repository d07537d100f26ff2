/**
 * Puts the release kernels where the library finds them, all in build/wasm/. Runs after the compiler, as the last step of
 * `npm run build:wasm`.
 *
 * - binaries.js: of the kernels that searching calls, the strict binary as text, and what the relaxed one differs in, so that
 *   the library loads them without a file, a fetch or a bundler plug-in.
 * - build-binaries.js: the same of all kernels, which building loads.
 * - kernels.wasm, kernels-relaxed.wasm: all kernels as files, for a plain memory.
 * - modules.js: the strict binary of these as an import of a module, for runtimes that compile no bytes.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const folder = new URL('../build/wasm/', import.meta.url)
/** Bytes that must agree for two places of two binaries to count as the same again. */
const AGREE = 12
/** Farthest that such places are looked for. */
const REACH = 4096

/** Let a binary import a plain memory instead of a shared one: the flags stand behind the names of the import. */
function forPlainMemory(bytes) {
  const at = bytes.indexOf(Buffer.from([3, ...Buffer.from('env'), 6, ...Buffer.from('memory'), 2]))
  if (at < 0) throw new Error('the binary imports no env.memory')
  bytes[at + 12] &= ~2
  return bytes
}

/** The nearest pair of places from which two binaries agree again: [skipped in one, skipped in the other]. */
function nextAgreement(one, i, other, j) {
  for (let sum = 1; sum < REACH; sum++) {
    for (let a = 0; a <= sum; a++) {
      const b = sum - a
      const left = one.subarray(i + a, i + a + AGREE)
      if (left.equals(other.subarray(j + b, j + b + AGREE))) return [a, b]
    }
  }
  throw new Error('the two binaries differ too much; raise REACH')
}

/** Edits, as src/kernels/binary.ts applies them, that turn one binary into the other. */
function editsBetween(one, other) {
  const edits = []
  let i = 0
  let j = 0
  let end = 0
  while (i < one.length || j < other.length) {
    if (one[i] === other[j]) {
      i++
      j++
      continue
    }
    const [gone, come] = nextAgreement(one, i, other, j)
    edits.push([i - end, gone, ...other.subarray(j, j + come)])
    end = i += gone
    j += come
  }
  return edits
}

/** The binary of a target. */
const compiled = (target) => forPlainMemory(readFileSync(new URL(`${target}.wasm`, folder)))
const write = (name, content) => writeFileSync(new URL(name, folder), content)

/** Characters of the text that stand for a byte of their own, from the space on; each of the others begins a pair. */
const SINGLES = 92
/** Frequent characters of JavaScript, the most frequent first: gzip writes a text in the same codes as what surrounds it. */
const FREQUENT = ' etsrnoia,().h=c2ldfu;3mw{:y4pb#g0v/1E+Ak&[]*?>'

/**
 * A binary as text, which packs better than base64 or hexadecimal. Its 92 most frequent bytes take one character each, the
 * others a pair: a character that stands for the quotient by 92, and one for the remainder. Before them, in pairs, come the
 * bytes of the 92. `bytesOfText` of src/kernels/binary.ts reads it.
 */
function textOf(bytes) {
  const all = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))
  const singles = all.slice(0, SINGLES)
  const pairOf = (byte) => all[SINGLES + Math.floor(byte / SINGLES)] + all[byte % SINGLES]
  const counts = new Array(256).fill(0)
  for (const byte of bytes) counts[byte]++
  const ranked = [...counts.keys()].sort((a, b) => counts[b] - counts[a])
  const escaped = ['"', '\\']
  const rest = singles.filter((character) => !FREQUENT.includes(character) && !escaped.includes(character))
  const characters = [...FREQUENT, ...rest, ...escaped]
  const byteOf = new Map(characters.map((character, rank) => [character, ranked[rank]]))
  const characterOf = new Map(characters.map((character, rank) => [ranked[rank], character]))
  const body = Array.from(bytes, (byte) => characterOf.get(byte) ?? pairOf(byte))
  return [...singles.map((character) => pairOf(byteOf.get(character))), ...body].join('')
}

/** A pair of binaries as a module of the library. */
function carry(name, strict, relaxed) {
  const edits = JSON.stringify(editsBetween(strict, relaxed))
  write(`${name}.js`, `export const strict = ${JSON.stringify(textOf(strict))}\nexport const relaxed = ${edits}\n`)
  write(`${name}.d.ts`, types)
}

/** The constants of a binary, below the first address that is the host's: those of two kinds of kernels may meet in one memory, so they must be the same. */
function constantsOf(bytes) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } })
  const end = exports.heapBase()
  return Buffer.from(memory.buffer, 0, end).toString('hex')
}

const types =
  'export declare const strict: string | WebAssembly.Module\nexport declare const relaxed: readonly (readonly number[])[]\n'
const [strict, relaxed] = ['strict', 'relaxed'].map(compiled)
const searchStrict = compiled('search-strict')
if (constantsOf(strict) !== constantsOf(searchStrict))
  throw new Error('the kernels of searching have other constants than all')

carry('binaries', searchStrict, compiled('search-relaxed'))
carry('build-binaries', strict, relaxed)
write('kernels.wasm', strict)
write('kernels-relaxed.wasm', relaxed)
write('modules.js', "import strict from './kernels.wasm'\nexport { strict }\nexport const relaxed = []\n")
