// @ts-check
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { CACHE } from '../harness/data.js'

const REFERENCE = new URL('../../test/reference/', import.meta.url)

/** The scalar twins, the very ones that the kernels are tested against: all functions of test/reference. */
export async function loadTwins() {
  const folder = join(CACHE, 'twins')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const files = readdirSync(REFERENCE).filter((file) => file.endsWith('.ts'))
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  for (const file of files) {
    const { outputText } = ts.transpileModule(readFileSync(new URL(file, REFERENCE), 'utf8'), { compilerOptions })
    writeFileSync(join(folder, file.replace('.ts', '.js')), outputText)
  }
  const modules = files.map((file) => import(pathToFileURL(join(folder, file.replace('.ts', '.js'))).href))
  return Object.assign({}, ...(await Promise.all(modules)))
}
