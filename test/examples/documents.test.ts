import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import ts from 'typescript'
import { BatlIndex, type Metric, type RowType } from '../../build/index.js'
import { loadGlove } from '../fixtures/load.js'
import { commandsOf, programsOf, readDocuments, ROOT, type Document } from './documents.js'

const run = promisify(execFile)
const documents = readDocuments()
const scripts = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> })
  .scripts
const inRoot = (name: string): string => readFileSync(join(ROOT, name), 'utf8')
const sources = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true })
    .map(String)
    .filter((name) => /\.(js|ts)$/.test(name) && !name.includes('.cache'))
    .map((name) => inRoot(join(folder, name)))

let work: string
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'batl-documents-'))
  await mkdir(join(work, 'node_modules'))
  await symlink(ROOT, join(work, 'node_modules', 'batl'), 'junction')
  await symlink(join(ROOT, 'node_modules', '@types'), join(work, 'node_modules', '@types'), 'junction')
  await writeFile(join(work, 'package.json'), '{ "private": true, "type": "module" }\n')
  for (const document of documents) await mkdir(folderOf(document))
})
afterAll(() => rm(work, { recursive: true, force: true }))

/** Each document has a folder for its programs, and what one saves the next may open. */
const folderOf = ({ name }: Document): string => join(work, name.replace(/\W/g, '-'))

describe('every block of every document', () => {
  test('says what it is: a program (js, ts), commands (sh), or text', () => {
    const unknown = documents.flatMap(({ name, blocks }) =>
      blocks
        .filter(({ language, code }) => {
          if (language === 'text') return /^\s*(\$ )?(npm|npx|node|batl|deno|bun|git|import) \S/m.test(code)
          return !['js', 'ts', 'sh'].includes(language)
        })
        .map(({ language, line }) => `${name}:${line} ${language}`),
    )
    expect(unknown).toEqual([])
    const counted = Object.fromEntries(documents.map((document) => [document.name, programsOf(document).length]))
    expect(counted).toMatchObject({ 'README.md': expect.any(Number), 'docs/guide.md': expect.any(Number) })
    expect(counted['README.md']).toBeGreaterThanOrEqual(2)
    expect(counted['docs/guide.md']).toBeGreaterThanOrEqual(9)
  })
})

/** Node 20 runs no types. */
function withoutTypes(code: string): string {
  const { ESNext } = ts.ModuleKind
  return ts.transpileModule(code, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ESNext } }).outputText
}

describe('programs', () => {
  test('compile, with the types of the package', async () => {
    for (const document of documents) {
      for (const { code, language, line } of programsOf(document))
        await writeFile(join(folderOf(document), `line-${line}.${language}`), code)
    }
    const options = {
      ...{ target: 'es2022', lib: ['es2023', 'esnext.disposable', 'dom'], module: 'nodenext', types: ['node'] },
      ...{ allowJs: true, checkJs: true, noEmit: true, skipLibCheck: true, strict: true },
      // As in a reader's plain JavaScript.
      ...{ noImplicitAny: false, useUnknownInCatchVariables: false },
    }
    await writeFile(
      join(work, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, exclude: ['node_modules'] }),
    )
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const { stdout } = await run(process.execPath, [tsc, '-p', work]).catch((error: { stdout: string }) => error)
    expect(stdout).toBe('')
  })

  const programs = documents.flatMap((document) =>
    programsOf(document).map((program) => [`${document.name}:${program.line}`, document, program] as const),
  )
  test.each(programs)(
    '%s runs and prints what it promises',
    async (_, document, { code, language, line, promised }) => {
      const file = join(folderOf(document), `line-${line}.js`)
      await writeFile(file, language === 'js' ? code : withoutTypes(code))
      const { stdout, stderr } = await run(process.execPath, [file], { cwd: folderOf(document) })
      expect(stderr).toBe('')
      // A program that shows nothing shows nobody that it works.
      expect(stdout).not.toBe('')
      let printed = stdout.split('\n')
      for (const output of promised) {
        expect(printed).toContain(output)
        printed = printed.slice(printed.indexOf(output) + 1)
      }
    },
  )
})

/** Vector files under the names that the documents use: 3,000 words, of which the first 100 serve as queries. */
async function writeVectors(folder: string): Promise<void> {
  const glove = loadGlove()
  const block = (values: Float32Array | Uint8Array): Buffer => {
    const header = new Uint32Array([values.length / glove.dim, glove.dim])
    return Buffer.concat([Buffer.from(header.buffer), Buffer.from(values.buffer)])
  }
  const rows = glove.rows.subarray(0, 3000 * glove.dim)
  const queries = glove.queries.subarray(0, 100 * glove.dim)
  const positive = (values: Int8Array): Uint8Array => Uint8Array.from(values, (value) => value + 128)
  await writeFile(join(folder, 'words.fbin'), block(Float32Array.from(rows)))
  await writeFile(join(folder, 'queries.fbin'), block(Float32Array.from(queries)))
  await writeFile(join(folder, 'base.u8bin.gz'), gzipSync(block(positive(rows))))
  await writeFile(join(folder, 'learn.u8bin.gz'), gzipSync(block(positive(glove.queries))))
  await writeFile(join(folder, 'query.u8bin.gz'), gzipSync(block(positive(queries))))
  await commandLine(folder, 'exact base.u8bin.gz query.u8bin.gz -k 100 -o gt.ibin')
  await writeFile(join(folder, 'gt.ibin.gz'), gzipSync(readFileSync(join(folder, 'gt.ibin'))))
  await rm(join(folder, 'gt.ibin'))
}

const commandLine = (folder: string, args: string): Promise<{ stdout: string; stderr: string }> =>
  run(process.execPath, [join(ROOT, 'build', 'bin.js'), ...args.split(/\s+/)], { cwd: folder, maxBuffer: 1 << 26 })

/** What sets a clone up, which tests that run in a clone cannot. */
const SETTING_UP = ['git clone <this repository>', 'cd batl', 'npm ci', 'npm ci --ignore-scripts']
const exampleTests = [...sources('test/examples'), ...sources('test/runtimes')].join('\n')
const benches = sources('bench').join('\n')

/** Why a command that is not run here is right; undefined when nothing says so. */
function vouched(command: string): string | undefined {
  if (SETTING_UP.includes(command)) return 'sets up'
  if (/^npm (test|cit)( -- [\w./]+)?$/.test(command)) return 'runs these tests'
  const [, script, , args] = /^npm run (\S+)( -- (.*))?$/.exec(command) ?? []
  if (script !== undefined) {
    if (!(script in scripts)) return undefined
    const flags = (args ?? '').split(' ').filter((word) => word.startsWith('--'))
    return flags.every((flag) => new RegExp(`\\b${flag.slice(2)}\\b`).test(benches)) ? 'a script' : undefined
  }
  const program = /^(?:node|npx esbuild|deno run(?: --[\w-]+)*|bun|cp) (examples\/\S+)/.exec(command)?.[1]
  if (program === undefined || !existsSync(join(ROOT, program))) return undefined
  return exampleTests.includes(program.replace('examples/', '')) ? 'an example that has a test' : undefined
}

describe('commands', () => {
  const others = documents.flatMap((document) =>
    commandsOf(document)
      .filter(({ command }) => !command.startsWith('batl '))
      .map(({ command, line }) => [`${document.name}:${line}`, command] as const),
  )
  test('that are not of batl are known ones', () => {
    expect(others.length).toBeGreaterThan(10)
    expect(others.filter(([, command]) => vouched(command) === undefined)).toEqual([])
  })

  const withBatl = documents.filter((document) =>
    commandsOf(document).some(({ command }) => command.startsWith('batl ')),
  )
  test.each(withBatl.map((document) => [document.name, document] as const))(
    'of batl in %s do what they say, one after the other',
    async (_, document) => {
      const folder = folderOf(document)
      await writeVectors(folder)
      for (const { command } of commandsOf(document).filter((each) => each.command.startsWith('batl '))) {
        const { stdout, stderr } = await commandLine(folder, command.slice('batl '.length))
        expect(stderr).toBe('')
        const output = /-o (\S+)/.exec(command)?.[1]
        if (output === undefined) expect(stdout).not.toBe('')
        else expect(existsSync(join(folder, output))).toBe(true)
      }
    },
  )

  test('of batl are all in the README and the guide', async () => {
    const { stdout } = await commandLine(work, '--help')
    const names = [...stdout.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map((match) => match[1])
    expect(names).toHaveLength(5)
    for (const name of ['README.md', 'docs/guide.md'])
      for (const command of names) expect(inRoot(name)).toContain(`\nbatl ${command} `)
  })
})

test('the guide lists every code of an error', () => {
  const inSources = sources('src').flatMap((text) => text.match(/(?<=')BATL_[A-Z_]+(?=')/g) ?? [])
  const listed = [...inRoot('docs/guide.md').matchAll(/^\| `(BATL_\w+)`/gm)].map((match) => match[1])
  expect(listed.toSorted()).toEqual([...new Set(inSources)].toSorted())
})

test('the guide’s table of sizes is what estimate tells, to within 2%', () => {
  const number = (text: string): number => Number(text.replaceAll(',', ''))
  const rows = [
    ...inRoot('docs/guide.md').matchAll(
      /^\| ([\d,]+) x ([\d,]+)(, 8 bits)? *\| (\w+)(?:, `storage: '(\w+)'`)? *\| ([\d,]+) *\| ([\d.]+) GiB \|$/gm,
    ),
  ]
  expect(rows).toHaveLength(7)
  for (const [row, size, dim, bits, metric, storage, bytes, gigabytes] of rows) {
    const options = {
      metric: metric as Metric,
      ...(bits === undefined ? {} : { type: 'u8' as const }),
      ...(storage === undefined ? {} : { storage: storage as RowType }),
    }
    const { total } = BatlIndex.estimate({ size: number(size!), dim: number(dim!), ...options })
    const near = (told: number, exact: number, rounding: number): boolean =>
      Math.abs(told - exact) <= 0.02 * exact + rounding
    const holds = near(number(bytes!), total / number(size!), 0.5) && near(Number(gigabytes), total / 2 ** 30, 0.005)
    expect([row, total, holds]).toEqual([row, total, true])
  }
})

describe('links', () => {
  /** The anchor that a heading gets, as in GitHub's pages. */
  const anchor = (heading: string): string =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replace(/\s/g, '-')
  const anchors = (file: string): string[] =>
    [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map((match) => anchor(match[1]!))

  test.each(documents.map(({ name, text }) => [name, text] as const))('of %s lead somewhere', (name, text) => {
    const links = [...text.matchAll(/(?:\]\(|<img[^>]* src=")(?!https?:)([^)"\s]+)/g)].map((match) => match[1]!)
    const broken = links.filter((link) => {
      const [path = '', part] = link.split('#')
      const file = path === '' ? join(ROOT, name) : join(ROOT, normalize(join(dirname(name), path)))
      return !existsSync(file) || (part !== undefined && !anchors(file).includes(part))
    })
    expect(broken).toEqual([])
  })

  test('reach every document from the README', () => {
    const reached = new Set(['README.md'])
    for (const name of reached) {
      const found = documents.find((document) => document.name === name)
      for (const [, link] of found?.text.matchAll(/\]\((?!https?:)([^)#\s]+\.md)/g) ?? [])
        reached.add(normalize(join(dirname(name), link!)))
    }
    expect([...documents.map(({ name }) => name)].filter((name) => !reached.has(name))).toEqual([])
  })
})
