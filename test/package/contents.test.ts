import { beforeAll, describe, expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { APP, ROOT, TARBALL } from '../runtimes/places.js'

const PACKAGE = `${APP}node_modules/batl/`
const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'))
/** The order in which runtimes and bundlers look at conditions. */
const ORDER = ['types', 'workerd', 'browser', 'deno', 'bun', 'node', 'default']

type Targets = string | Record<string, string>

/** Files that a module names: statically, and by `import()` or the address of a worker. */
function named(file: string): { specifiers: string[]; later: string[] } {
  const text = readFileSync(file, 'utf8')
  const all = (pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, specifier]) => specifier!)
  const later = all(/import\(\s*['"]([^'"]+)['"]\s*\)/g)
  const imports = ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName)
  return {
    specifiers: imports.filter((specifier) => !later.includes(specifier)),
    later: [...later, ...all(/new URL\(\s*['"](\.[^'"]+)['"]\s*,\s*import\.meta/g)],
  }
}

/** What a condition makes of a specifier: a file of the package, or the name of another. */
function resolved(from: string, specifier: string, conditions: readonly string[]): string {
  if (specifier.startsWith('.')) return resolve(dirname(from), specifier)
  if (!specifier.startsWith('#')) return specifier
  const targets = manifest.imports[specifier] as Record<string, string>
  const condition = Object.keys(targets).find((name) => name === 'default' || conditions.includes(name))!
  return join(PACKAGE, targets[condition]!)
}

/** All files and packages that an entry can reach, dynamic imports and workers included. */
function graph(entry: string, conditions: readonly string[], later = true): string[] {
  const seen = new Set<string>()
  const visit = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    if (!file.startsWith(PACKAGE) || !file.endsWith('.js')) return
    const found = named(file)
    for (const specifier of [...found.specifiers, ...(later ? found.later : [])]) {
      visit(resolved(file, specifier, conditions))
    }
  }
  visit(join(PACKAGE, entry))
  return [...seen].map((file) => (file.startsWith(PACKAGE) ? relative(PACKAGE, file) : file)).sort()
}

describe('the module graph', () => {
  const runtimes = ['workerd', 'browser', 'deno', 'bun', 'node']

  test.each(runtimes)('of batl/search in %s never reaches a trainer or a builder', (runtime) => {
    const files = graph('build/search.js', [runtime])
    expect(files).toContain('build/search/searcher.js')
    expect(files).toContain(runtime === 'workerd' ? 'build/wasm/kernels.wasm' : 'build/wasm/binaries.js')
    if (runtime === 'browser') expect(files).toContain('build/search-worker.js')
    if (runtime === 'node') expect(files).toContain('build/pool/piscina-search.js')
    expect(
      files.filter((file) => /tensorflow|^build\/(train|builder|partition|cli)\/|trainer|build-binaries/.test(file)),
    ).toEqual([])
    const outside = files.filter((file) => !file.startsWith('build/') && !file.startsWith('node:'))
    expect(outside).toEqual(['deno', 'bun', 'node'].includes(runtime) ? ['piscina'] : [])
    if (outside.length === 0) expect(files.filter((file) => file.startsWith('node:'))).toEqual([])
  })

  test.each(runtimes)(
    'of batl in %s loads no trainer before it trains, and no thread pool before it needs one',
    (runtime) => {
      const files = graph('build/index.js', [runtime], false)
      expect(files.filter((file) => /tensorflow|piscina$|^build\/train\/(?!unsupported)|trainer/.test(file))).toEqual(
        [],
      )
    },
  )

  test.each(['workerd', 'browser'])('of batl in %s holds nothing of Node', (runtime) => {
    expect(graph('build/index.js', [runtime]).filter((file) => /^node:|piscina/.test(file))).toEqual([])
  })

  test('of batl/search calls no kernel that it does not carry', () => {
    const exportsOf = (name: string): string[] =>
      WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(`${ROOT}build/wasm/${name}.wasm`))).map(
        (one) => one.name,
      )
    const carried = exportsOf('search-strict')
    const others = exportsOf('strict').filter((name) => !carried.includes(name))
    expect(others).toContain('encodeBlock')
    const text = graph('build/search.js', ['browser'])
      .filter((file) => !file.includes('/wasm/'))
      .map((file) => readFileSync(join(PACKAGE, file), 'utf8'))
      .join('\n')
    expect(carried.filter((name) => text.includes(`.${name}(`)).length).toBeGreaterThan(15)
    expect(others.filter((name) => text.includes(`.${name}(`))).toEqual([])
  })

  test('of batl reaches the trainer where there is one', () => {
    expect(graph('build/index.js', ['node'])).toContain('@tensorflow/tfjs-core')
    expect(graph('build/index.js', ['browser'])).toContain('@tensorflow/tfjs-core')
    expect(graph('build/index.js', ['workerd'])).not.toContain('@tensorflow/tfjs-core')
  })
})

describe('package.json', () => {
  const tables: [name: string, targets: Targets][] = [
    ...Object.entries<Targets>(manifest.exports),
    ...Object.entries<Targets>(manifest.imports),
  ]

  test.each(tables)('%s: conditions in order, and a file behind each', (_, targets) => {
    const entries = typeof targets === 'string' ? [['default', targets]] : Object.entries(targets)
    const names = entries.map(([name]) => name!)
    expect(names).toEqual(ORDER.filter((name) => names.includes(name)))
    expect(names.at(-1)).toBe('default')
    for (const [name, target] of entries) {
      // Types of the package's own imports serve its compilation alone.
      if (
        name !== 'types' ||
        tables.indexOf(tables.find(([, one]) => one === targets)!) < Object.keys(manifest.exports).length
      ) {
        expect([target, existsSync(join(PACKAGE, target!))]).toEqual([target, true])
      }
    }
  })

  test('promises no side effects, and runs no script on installation', () => {
    expect(manifest.sideEffects).toBe(false)
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
      expect(manifest.scripts).not.toHaveProperty(name)
  })

  test('kernels.wasm is what a plain memory links to', () => {
    const module = new WebAssembly.Module(readFileSync(join(PACKAGE, manifest.exports['./kernels.wasm'])))
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 })
    expect(typeof new WebAssembly.Instance(module, { env: { memory } }).exports['heapBase']).toBe('function')
  })
})

describe('the tarball', () => {
  let files: string[]
  beforeAll(() => {
    const list = execFileSync('tar', ['-tzf', TARBALL], { encoding: 'utf8' })
    files = list
      .trim()
      .split('\n')
      .map((name) => name.replace(/^package\//, ''))
      .sort()
  })

  test('holds only what can be reached, and the documents', () => {
    const entries = ['build/index.js', 'build/search.js', 'build/worker.js', 'build/bin.js']
    const code = entries.flatMap((entry) =>
      ['workerd', 'browser', 'node'].flatMap((runtime) => graph(entry, [runtime])),
    )
    const declarations = new Set<string>()
    const declare = (file: string): void => {
      if (declarations.has(file)) return
      declarations.add(file)
      for (const specifier of named(join(PACKAGE, file)).specifiers) {
        declare(join(dirname(file), specifier).replace(/\.js$/, '.d.ts'))
      }
    }
    for (const entry of ['index', 'search', 'worker']) declare(`build/${entry}.d.ts`)
    const wanted = [
      ...code.filter((file) => file.startsWith('build/')),
      ...declarations,
      ...Object.values<Targets>(manifest.exports).flatMap((targets) =>
        typeof targets === 'string' ? [targets.slice(2)] : [],
      ),
      ...['CHANGELOG.md', 'FORMAT.md', 'LICENSE', 'README.md'],
    ]
    expect(files).toEqual([...new Set(wanted)].sort())
  })

  test('no module waits at its top, as require needs it', () => {
    const waits = (node: ts.Node): boolean =>
      ts.isAwaitExpression(node) ||
      (ts.isForOfStatement(node) && node.awaitModifier !== undefined) ||
      (!ts.isFunctionLike(node) && ts.forEachChild(node, waits) === true)
    const waiting = files.filter((file) => {
      if (!file.endsWith('.js')) return false
      return waits(ts.createSourceFile(file, readFileSync(join(PACKAGE, file), 'utf8'), ts.ScriptTarget.ESNext, true))
    })
    expect(waiting).toEqual([])
  })
})

describe('installed', () => {
  /** Bytes of all files under a folder. */
  const bytesOf = (folder: string): number =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)

  test('takes what the README says, with all that it depends on', () => {
    const [, stated] = /Installed with all its dependencies, it takes (\d+) MB/.exec(
      readFileSync(`${ROOT}README.md`, 'utf8'),
    )!
    const measured = bytesOf(`${APP}node_modules`) / 1e6
    expect(measured).toBeLessThanOrEqual(Number(stated))
    expect(measured).toBeGreaterThan(Number(stated) * 0.9)
  })

  test('no package of it has a script to run on installation', () => {
    const { packages } = JSON.parse(readFileSync(`${APP}package-lock.json`, 'utf8'))
    expect(Object.keys(packages).length).toBeGreaterThan(5)
    expect(Object.keys(packages).filter((name) => packages[name].hasInstallScript === true)).toEqual([])
  })
})
