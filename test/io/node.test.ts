import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { openRead, openStream, writeAtomic } from '../../build/io/node.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'batl-io-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const bytes = (length: number, seed = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255)
const badPath = (text: string): object => ({
  code: 'BATL_INVALID_ARGUMENT',
  argument: 'path',
  message: expect.stringContaining(text),
})

describe('openRead', () => {
  test('reads any place straight into shared memory, and less where the file ends', async () => {
    const path = join(folder, 'a')
    await writeFile(path, bytes(1000))
    const file = await openRead(pathToFileURL(path))
    expect(file.size).toBe(1000)
    const into = new Uint8Array(new SharedArrayBuffer(300), 100, 150)
    expect(await file.read(into, 200)).toBe(150)
    expect([...into]).toEqual([...bytes(1000).subarray(200, 350)])
    expect(await file.read(into, 900)).toBe(100)
    await expect(file.read(into, 0, AbortSignal.abort('stop'))).rejects.toBe('stop')
    await file.close()
  })

  test('names what is missing, no file, or no file: URL', async () => {
    await expect(openRead(join(folder, 'none'))).rejects.toMatchObject(badPath('no such file'))
    await expect(openRead(join(folder, 'none', 'x'))).rejects.toMatchObject(badPath(join(folder, 'none', 'x')))
    await expect(openRead(folder)).rejects.toMatchObject(badPath('no regular file'))
    await expect(openRead(new URL('https://example.com/a.batl'))).rejects.toMatchObject(badPath('no file: URL'))
  })
})

describe('openStream', () => {
  const content = bytes(700_000)
  const readAll = async (path: string): Promise<Uint8Array> => {
    const stream = await openStream(path)
    const into = new Uint8Array(content.length + 10)
    try {
      const first = await stream.read(into.subarray(0, 1234))
      return into.subarray(0, first + (await stream.read(into.subarray(first))))
    } finally {
      await stream.close()
    }
  }

  test('reads plain and packed files alike', async () => {
    await writeFile(join(folder, 'a'), content)
    await writeFile(join(folder, 'a.gz'), gzipSync(content))
    await writeFile(
      join(folder, 'two.gz'),
      Buffer.concat([gzipSync(content.subarray(0, 5)), gzipSync(content.subarray(5))]),
    )
    for (const name of ['a', 'a.gz', 'two.gz'])
      expect(Buffer.compare(await readAll(join(folder, name)), content)).toBe(0)
  })

  test('refuses damaged and truncated gzip data', async () => {
    const packed = gzipSync(content)
    await writeFile(join(folder, 'cut.gz'), packed.subarray(0, packed.length - 100))
    await writeFile(join(folder, 'plain.gz'), content)
    const flipped = Buffer.from(packed)
    flipped[packed.length - 6]! ^= 1
    await writeFile(join(folder, 'flip.gz'), flipped)
    await expect(readAll(join(folder, 'cut.gz'))).rejects.toMatchObject({
      code: 'BATL_FORMAT',
      message: expect.stringContaining('middle'),
    })
    for (const name of ['plain.gz', 'flip.gz']) {
      await expect(readAll(join(folder, name))).rejects.toMatchObject({
        code: 'BATL_FORMAT',
        message: expect.stringContaining('damaged'),
      })
    }
  })

  test('can be closed early', async () => {
    await writeFile(join(folder, 'a.gz'), gzipSync(content))
    const stream = await openStream(join(folder, 'a.gz'))
    expect(await stream.read(new Uint8Array(10))).toBe(10)
    await stream.close()
  })
})

describe('writeAtomic', () => {
  const list = (): Promise<string[]> => readdir(folder)

  test('writes pieces of any memory, and replaces what was there, with its mode', async () => {
    const path = join(folder, 'out')
    await writeAtomic(path, [bytes(10), new Uint8Array(new SharedArrayBuffer(5))])
    expect([...(await readFile(path))]).toEqual([...bytes(10), 0, 0, 0, 0, 0])
    await chmod(path, 0o600)
    await writeAtomic(
      pathToFileURL(path),
      (async function* () {
        yield bytes(3)
      })(),
    )
    expect([...(await readFile(path))]).toEqual([...bytes(3)])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await list()).toEqual(['out'])
  })

  test('follows a link to the file behind it', async () => {
    await mkdir(join(folder, 'deep'))
    await writeFile(join(folder, 'deep', 'real'), 'old')
    await symlink(join('deep', 'real'), join(folder, 'link'))
    await writeAtomic(join(folder, 'link'), [bytes(4)])
    expect([...(await readFile(join(folder, 'deep', 'real')))]).toEqual([...bytes(4)])
    expect(await readdir(join(folder, 'deep'))).toEqual(['real'])
  })

  test('leaves the old file and no other when it fails or is stopped', async () => {
    const path = join(folder, 'out')
    await writeFile(path, 'old')
    const fault = new Error('no more')
    const failing = function* (): Generator<Uint8Array> {
      yield bytes(10)
      throw fault
    }
    await expect(writeAtomic(path, failing())).rejects.toBe(fault)
    const controller = new AbortController()
    const stopping = function* (): Generator<Uint8Array> {
      yield bytes(10)
      controller.abort('stop')
      yield bytes(10)
    }
    await expect(writeAtomic(path, stopping(), controller.signal)).rejects.toBe('stop')
    await expect(writeAtomic(path, [bytes(1)], AbortSignal.abort('at once'))).rejects.toBe('at once')
    expect(await list()).toEqual(['out'])
    expect(await readFile(path, 'utf8')).toBe('old')
  })

  test('says what to do about a path that cannot be written', async () => {
    await expect(writeAtomic(join(folder, 'none', 'out'), [])).rejects.toMatchObject(badPath('make it first'))
    await expect(writeAtomic(folder, [])).rejects.toMatchObject(badPath('it is a folder'))
    await writeFile(join(folder, 'file'), '')
    await expect(writeAtomic(join(folder, 'file', 'out'), [])).rejects.toMatchObject(badPath('no folder'))
    await expect(writeAtomic(join(folder, 'x'.repeat(300)), [])).rejects.toMatchObject(badPath('too long'))
    expect(await list()).toEqual(['file'])
  })

  // A folder that is there and answers "no such file": permissions would not hold back a test that runs as root.
  const hasProc = process.platform === 'linux'
  if (!hasProc) console.info('skipped: a folder that takes no files, because this system has no /proc')
  const testProc = hasProc ? test : test.skip
  testProc('tells a folder that takes no files from one that does not exist', async () => {
    await expect(writeAtomic('/proc/out', [])).rejects.toMatchObject(badPath('takes no new files'))
    await expect(writeAtomic('/proc/none/out', [])).rejects.toMatchObject(badPath('make it first'))
  })
})
