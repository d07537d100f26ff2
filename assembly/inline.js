/**
 * Writes the release kernels as base64 into build/wasm/binaries.js, so that the library loads them without a file, a
 * fetch or a bundler plug-in on every runtime. Runs after the compiler, as the last step of `npm run build:wasm`.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const folder = new URL('../build/wasm/', import.meta.url)
const lines = ['strict', 'relaxed'].map((name) => {
  const bytes = readFileSync(new URL(`${name}.wasm`, folder))
  return `export const ${name} = '${bytes.toString('base64')}'\n`
})
writeFileSync(new URL('binaries.js', folder), lines.join(''))
writeFileSync(
  new URL('binaries.d.ts', folder),
  'export declare const strict: string\nexport declare const relaxed: string\n',
)
