/**
 * Puts the release kernels where the library finds them, all in build/wasm/. Runs after the compiler, as the last step of
 * `npm run build:wasm`.
 *
 * - binaries.js: the strict binary in hexadecimal, which packs better than base64, and what the relaxed one differs in, so that the library loads them without
 *   a file, a fetch or a bundler plug-in.
 * - kernels.wasm, kernels-relaxed.wasm: the same as files, for a plain memory.
 * - modules.js: the strict binary as an import of a module, for runtimes that compile no bytes.
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
  while (i < one.length || j < other.length) {
    if (one[i] === other[j]) {
      i++
      j++
      continue
    }
    const [gone, come] = nextAgreement(one, i, other, j)
    edits.push([i, gone, ...other.subarray(j, j + come)])
    i += gone
    j += come
  }
  return edits
}

const [strict, relaxed] = ['strict', 'relaxed'].map((name) =>
  forPlainMemory(readFileSync(new URL(`${name}.wasm`, folder))),
)
const write = (name, content) => writeFileSync(new URL(name, folder), content)
const types = 'export declare const strict: string | WebAssembly.Module\n'

write('kernels.wasm', strict)
write('kernels-relaxed.wasm', relaxed)
write(
  'binaries.js',
  `export const strict = '${strict.toString('hex')}'\nexport const relaxed = ${JSON.stringify(editsBetween(strict, relaxed))}\n`,
)
write('binaries.d.ts', `${types}export declare const relaxed: readonly (readonly number[])[]\n`)
write('modules.js', "import strict from './kernels.wasm'\nexport { strict }\nexport const relaxed = []\n")
