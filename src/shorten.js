/**
 * Shortens the compiled modules in build/, as the last step of `npm run build:ts`: a search page carries them as they are
 * where its bundler does not minify. Local variables and private members get short names, and statements a shorter form;
 * functions, classes and whatever other modules see keep their names, so that a stack trace still reads.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { minify } from 'terser'

const folder = new URL('../build/', import.meta.url)
/** Made of text or of a binary by assembly/, and short already. */
const MADE = /^wasm\//
const named = { keep_fnames: true, keep_classnames: true }

const modules = readdirSync(folder, { recursive: true })
  .map((name) => String(name).replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.js') && !MADE.test(name))

for (const name of modules) {
  const file = new URL(name, folder)
  const { code } = await minify(readFileSync(file, 'utf8'), {
    module: true,
    ecma: 2022,
    // A function that is called once keeps its own frame.
    compress: { ...named, passes: 3, inline: 0, reduce_funcs: false, lhs_constants: false, loops: false },
    mangle: named,
    format: { ecma: 2022, beautify: true, indent_level: 2 },
  })
  writeFileSync(file, `${code}\n`)
}
