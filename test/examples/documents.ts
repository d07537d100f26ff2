import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** A fenced block of a document. */
export interface Block {
  readonly language: string
  readonly code: string
  /** Line of the document at which its code begins. */
  readonly line: number
}

/** A document of the repository. */
export interface Document {
  /** Path from the root. */
  readonly name: string
  readonly text: string
  readonly blocks: readonly Block[]
}

function readBlocks(text: string): Block[] {
  return [...text.matchAll(/^( *)(```+)(.*)\n([^]*?)^\1\2$/gm)].map((match) => ({
    language: match[3]!.trim(),
    code: match[4]!,
    line: text.slice(0, match.index).split('\n').length + 1,
  }))
}

/** Every document that comes with the clone, whatever is added: those of the root, of docs/ and of examples/. */
export function readDocuments(): Document[] {
  const names = ['', 'docs', 'examples'].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  )
  return names.map((name) => {
    const text = readFileSync(join(ROOT, name), 'utf8')
    return { name, text, blocks: readBlocks(text) }
  })
}

/** A program of a document: a block that begins with an import, and those after it that go on from it. */
export interface Program {
  readonly language: string
  readonly code: string
  readonly line: number
  /** What its comments `// => output` promise, in order. */
  readonly promised: readonly string[]
}

/** The programs of a document. */
export function programsOf({ name, blocks }: Document): Program[] {
  const programs: Program[] = []
  for (const { language, code, line } of blocks) {
    if (language !== 'js' && language !== 'ts') continue
    const before = programs.at(-1)
    const promised = [...code.matchAll(/\/\/ => (.*)$/gm)].map((match) => match[1]!)
    if (/^import /.test(code)) programs.push({ language, code, line, promised })
    else if (before === undefined || before.language !== language)
      throw new Error(`${name}:${line}: the block begins with no import, and there is no program that it goes on from`)
    else {
      const joined = { ...before, code: before.code + code, promised: [...before.promised, ...promised] }
      programs.splice(-1, 1, joined)
    }
  }
  return programs
}

/** The commands of a document's `sh` blocks, one by one, without comments. */
export function commandsOf({ blocks }: Document): { command: string; line: number }[] {
  return blocks.flatMap(({ language, code, line }) =>
    language !== 'sh'
      ? []
      : code.split('\n').flatMap((text, i) =>
          text
            .replace(/(^|\s)#.*$/, '')
            .split('&&')
            .map((command) => ({ command: command.trim(), line: line + i }))
            .filter(({ command }) => command !== ''),
        ),
  )
}
