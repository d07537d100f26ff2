import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readFileSync, writeFileSync } from 'node:fs'
import { resolveBuildOptions } from '../../build/base/options.js'
import { planIndex } from '../../build/builder/plan.js'
import { BUILD_OPTIONS } from '../../build/cli/options.js'
import { batl, errorLine, temporaryFolder } from './run.js'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.remove())

const packageFile = new URL('../../package.json', import.meta.url)

describe('help', () => {
  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
    expect(await batl(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
  })

  test('--help names every command and shows examples', async () => {
    const { status, stdout, stderr } = await batl(['--help'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const examples = stdout.slice(stdout.indexOf('\nExamples:\n'))
    for (const name of ['build', 'search', 'eval', 'exact', 'info']) expect(examples).toContain(`\n  batl ${name} `)
  })

  test('without a command, help goes to stderr and the usage is wrong', async () => {
    const { status, stdout, stderr } = await batl([])
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain('Usage: batl')
  })

  test.each(['build', 'search', 'eval', 'exact', 'info'])('%s --help shows an example', async (name) => {
    const { status, stdout } = await batl([name, '--help'])
    expect(status).toBe(0)
    expect(stdout).toMatch(new RegExp(`Examples?:\\n {2}batl ${name} `))
  })

  test('build --help lists every option of the table in kebab-case', async () => {
    const { stdout } = await batl(['build', '--help'])
    const flags = Object.keys(BUILD_OPTIONS).map((name) => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`))
    expect(flags).toContain('leaf-size')
    for (const flag of flags) expect(stdout).toContain(`--${flag} <`)
  })

  test('the defaults that build --help names are those of the library', () => {
    const defaults = resolveBuildOptions({}, 2)
    for (const name of ['metric', 'router', 'slack', 'copies', 'rounds', 'trees', 'trainer', 'seed'] as const) {
      expect(BUILD_OPTIONS[name].help).toMatch(new RegExp(`\\(default: ${defaults[name]}[;)]`))
    }
    expect(BUILD_OPTIONS.copies.help).toContain(`for ip ${resolveBuildOptions({ metric: 'ip' }, 2).copies})`)
    for (const [size, leafSize] of [
      [50_000, 70],
      [1_000_000, 94],
    ] as const) {
      const plan = planIndex({ size, dim: 4, rowType: 'f32', idKind: 'row' }, defaults)
      expect(size / plan.shape.leafCount).toBeCloseTo(leafSize, -1)
      expect(BUILD_OPTIONS.leafSize.help).toContain(String(leafSize))
    }
  })
})

describe('wrong usage', () => {
  test.each([
    ['an unknown command', ['biuld', 'x', '-o', 'y'], 'build'],
    ['an unknown option', ['build', 'x', '-o', 'y', '--leafsize', '10'], '--leaf-size'],
    ['an unknown metric', ['build', 'x', '-o', 'y', '--metric', 'cosin'], 'l2, ip, cosine'],
    ['a fraction of threads', ['build', 'x', '-o', 'y', '--threads', '1.5'], '--threads'],
    ['a slack below 1', ['build', 'x', '-o', 'y', '--slack', '0.9'], '1 or more'],
    ['more than three copies', ['build', 'x', '-o', 'y', '--copies', '4'], 'from 1 to 3'],
    ['an empty number', ['build', 'x', '-o', 'y', '--seed', ''], 'whole number'],
    ['no output', ['build', 'x'], '--output'],
    ['an output that is read', ['build', 'x.fbin', '-o', './x.fbin', '--force'], 'another file'],
    ['no queries', ['search', 'x'], 'queries'],
    ['k of 0', ['search', 'x', 'y', '-k', '0'], '1 or more'],
    ['a recall above 1', ['search', 'x', 'y', '--recall', '95'], 'above 0 to 1'],
    ['a recall of 0', ['search', 'x', 'y', '--recall', '0'], 'above 0 to 1'],
    ['two kinds of effort', ['search', 'x', 'y', '--recall', '0.9', '--probes', '8'], 'not both'],
    ['rerank alone', ['search', 'x', 'y', '--rerank', '100'], '--probes'],
    ['a result that is not .ibin', ['search', 'x', 'y', '-o', 'z.json'], '.ibin'],
    ['an excess argument', ['info', 'x', 'y'], 'argument'],
    ['no ground truth', ['eval', 'x', 'y'], '--ground-truth'],
    ['a list with a hole', ['eval', 'x', 'y', '--ground-truth', 'z', '--probes', '8,,32'], '--probes'],
  ])('%s: one line that helps, status 2', async (_, args, remedy) => {
    const outcome = await batl(args)
    expect(errorLine(outcome)).toContain(remedy)
    expect({ status: outcome.status, stdout: outcome.stdout }).toEqual({ status: 2, stdout: '' })
  })
})

describe('failures', () => {
  test.each([
    ['build', ['absent.fbin', '-o', 'x.batl']],
    ['search', ['absent.batl', 'absent.fbin']],
    ['info', ['absent.batl']],
    ['exact', ['absent.fbin', 'absent.fbin', '-o', 'x.ibin']],
    ['eval', ['absent.batl', 'absent.fbin', '--ground-truth', 'absent.ibin']],
  ])('%s of a missing file names it, status 1', async (name, args) => {
    const paths = args.map((arg) => (arg.startsWith('-') ? arg : folder.path(arg)))
    const outcome = await batl([name, ...paths])
    expect(errorLine(outcome)).toMatch(/absent\.(fbin|batl|ibin)/)
    expect(outcome.status).toBe(1)
  })

  test('a missing file of ids is named', async () => {
    const args = ['build', folder.path('x.fbin'), '-o', folder.path('x.batl'), '--ids', folder.path('absent.txt')]
    const outcome = await batl(args)
    expect(errorLine(outcome)).toContain('absent.txt')
    expect(outcome.status).toBe(1)
  })

  test('a file that is no index is refused', async () => {
    writeFileSync(folder.path('noise.batl'), 'this is no index')
    const outcome = await batl(['info', folder.path('noise.batl')])
    expect(errorLine(outcome).length).toBeGreaterThan('batl: '.length)
    expect(outcome.status).toBe(1)
  })

  test('a folder that does not exist is refused before the work', async () => {
    const outcome = await batl(['build', 'x.fbin', '-o', folder.path('nowhere/x.batl')])
    expect(errorLine(outcome)).toContain('make it first')
    expect(outcome.status).toBe(1)
  })
})
