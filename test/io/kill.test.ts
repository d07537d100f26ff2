import { expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Rng } from '../../build/base/rng.js'
import { viewSnapshot } from '../../build/format/decode.js'
import { finiteIn, makeRegion } from '../format/make.js'

const KILLS = 25
const script = fileURLToPath(new URL('save-loop.mjs', import.meta.url))

test(`a save killed at any of ${KILLS} random moments leaves the old file or the new one`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'batl-kill-'))
  const rng = new Rng(3)
  try {
    const contents = await Promise.all([
      makeRegion({ size: 20_000, dim: 20, arities: [8] }),
      makeRegion({ size: 30_000, dim: 20, arities: [4, 4], copies: 1.5 }),
    ])
    const names = contents.map((_, i) => join(folder, `content${i}`))
    await Promise.all(contents.map((content, i) => writeFile(names[i]!, content)))
    const target = join(folder, 'index.batl')
    await writeFile(target, contents[0]!)
    const seen = new Set<number>()
    let cutShort = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawn(process.execPath, [script, target, ...names], { stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = once(child, 'exit')
      await once(child.stdout, 'data')
      await new Promise((resolve) => setTimeout(resolve, 5 + rng.below(60)))
      child.kill('SIGKILL')
      await ended
      const found = new Uint8Array(await readFile(target))
      const which = contents.findIndex((content) => Buffer.compare(content, found) === 0)
      expect(which).toBeGreaterThanOrEqual(0)
      await expect(viewSnapshot(found, finiteIn(found))).resolves.toMatchObject({ size: which === 0 ? 20_000 : 30_000 })
      seen.add(which)
      const left = (await readdir(folder)).filter((name) => name.endsWith('.tmp'))
      cutShort += left.length
      await Promise.all(left.map((name) => rm(join(folder, name))))
    }
    // The kills did hit saves under way, and both contents were current at some kill.
    expect(cutShort).toBeGreaterThan(0)
    expect(seen.size).toBe(2)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
