import { beforeAll, describe, expect, test } from '@jest/globals'
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as TypeScript from 'typescript'
import { APP, CACHE, tool } from '../runtimes/places.js'

const require = createRequire(import.meta.url)
const compilers: Record<string, typeof TypeScript> = {
  'TypeScript 5.8': require(tool('typescript58')),
  'TypeScript 6': require('typescript'),
}
const SOURCES = fileURLToPath(new URL('consumers/', import.meta.url))

/** A project that has the tarball installed, with or without Node's types. */
const FOLDER = `${CACHE}types/`
beforeAll(() => {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(`${FOLDER}node_modules/@types`, { recursive: true })
  for (const name of ['surface.ts', 'web.ts', 'module.ts']) copyFileSync(join(SOURCES, name), `${FOLDER}${name}`)
  // Without it the folder would belong to the repository, whose name is the package's.
  writeFileSync(`${FOLDER}package.json`, '{ "private": true, "type": "module" }\n')
  symlinkSync(`${APP}node_modules/batl`, `${FOLDER}node_modules/batl`)
  for (const name of ['@types/node', 'undici-types']) symlinkSync(tool(name), `${FOLDER}node_modules/${name}`)
})

interface Surroundings {
  readonly node: boolean
  readonly dom: boolean
  readonly resolution: 'nodenext' | 'bundler'
}

/** The program of the consumers that these surroundings allow for. */
function compile(ts: typeof TypeScript, { node, dom, resolution }: Surroundings): TypeScript.Program {
  const files = ['surface.ts', ...(node || dom ? ['web.ts'] : []), ...(dom ? ['module.ts'] : [])]
  return ts.createProgram(
    files.map((name) => `${FOLDER}${name}`),
    {
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      exactOptionalPropertyTypes: true,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts', ...(dom ? ['lib.dom.d.ts'] : [])],
      types: node ? ['node'] : [],
      module: resolution === 'nodenext' ? ts.ModuleKind.NodeNext : ts.ModuleKind.ESNext,
      moduleResolution: resolution === 'nodenext' ? ts.ModuleResolutionKind.NodeNext : ts.ModuleResolutionKind.Bundler,
      preserveSymlinks: true,
    },
  )
}

const surroundings: [name: string, where: Surroundings][] = [
  ['neither', { node: false, dom: false, resolution: 'nodenext' }],
  ['types of Node', { node: true, dom: false, resolution: 'nodenext' }],
  ['types of the DOM', { node: false, dom: true, resolution: 'bundler' }],
  ['both', { node: true, dom: true, resolution: 'bundler' }],
]

describe.each(Object.keys(compilers))('%s', (name) => {
  const ts = compilers[name]!
  test('is the version it is taken for', () => expect(ts.version.startsWith(name.split(' ')[1]!)).toBe(true))

  test.each(surroundings)('compiles a program and every declaration with %s', (_, where) => {
    const program = compile(ts, where)
    const problems = ts.getPreEmitDiagnostics(program).map(({ file, messageText, start }) => {
      const at = file === undefined ? '' : `${relative(FOLDER, file.fileName)}:${String(start)}`
      return `${at} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
    expect(problems).toEqual([])
  })
})

describe('the declarations', () => {
  const ts = compilers['TypeScript 6']!
  let program: TypeScript.Program
  let own: TypeScript.SourceFile[]
  beforeAll(() => {
    program = compile(ts, { node: true, dom: true, resolution: 'bundler' })
    own = program.getSourceFiles().filter(({ fileName }) => fileName.includes('node_modules/batl/'))
  })

  test('hold no any', () => {
    const found: string[] = []
    const visit = (node: TypeScript.Node): void => {
      if (node.kind === ts.SyntaxKind.AnyKeyword)
        found.push(`${node.getSourceFile().fileName}: ${node.parent.getText()}`)
      ts.forEachChild(node, visit)
    }
    for (const file of own) visit(file)
    expect(own.length).toBeGreaterThan(5)
    expect(found).toEqual([])
  })

  test('document every option where an editor shows it', () => {
    const checker = program.getTypeChecker()
    const entry = own.find(({ fileName }) => fileName.endsWith('build/index.d.ts'))!
    const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(entry)!)
    const options = ['BuildOptions', 'OpenOptions', 'SearchOptions', 'BatchOptions', 'ExactOptions', 'InitOptions']
    const bare = options.flatMap((name) => {
      const symbol = symbols.find((one) => one.name === name)!
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
      const type = checker.getDeclaredTypeOfSymbol(target)
      const members = (type.isUnion() ? type.types : [type]).flatMap((one) => one.getProperties())
      expect([name, members.length > 0]).toEqual([name, true])
      return members
        .filter((one) => one.getDocumentationComment(checker).length === 0)
        .map((one) => `${name}.${one.name}`)
    })
    expect(bare).toEqual([])
  })
})
