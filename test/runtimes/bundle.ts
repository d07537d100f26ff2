import { execFile } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { APP, PAGES, tool } from './places.js'

const run = promisify(execFile)

/** A folder of sources under the installed package, so that its name resolves as in a user's project. */
function sources(name: string, page: string): string {
  const folder = `${APP}${name}/`
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(`${folder}src`, { recursive: true })
  for (const file of ['data.js', 'check.js', 'page.js']) copyFileSync(`${APP}${file}`, `${folder}src/${file}`)
  copyFileSync(`${APP}${page}.js`, `${folder}src/index.js`)
  writeFileSync(`${folder}package.json`, '{ "private": true, "type": "module" }\n')
  return folder
}

function html(script: string): string {
  return `<!doctype html><meta charset="utf-8"><title>batl</title><body>${script}</body>\n`
}

/** Bundlers as they come: each makes a page of sources without a word of configuration. */
const BUNDLERS: Readonly<Record<string, (folder: string) => Promise<string>>> = {
  async vite(folder) {
    writeFileSync(`${folder}index.html`, html('<script type="module" src="/src/index.js"></script>'))
    const { stderr } = await run(process.execPath, [`${tool('vite')}/bin/vite.js`, 'build'], { cwd: folder })
    return stderr
  },
  async webpack(folder) {
    const program = `
      import webpack from ${JSON.stringify(`${tool('webpack')}/lib/index.js`)}
      webpack({ context: ${JSON.stringify(folder)}, mode: 'production', output: { path: ${JSON.stringify(`${folder}dist`)} } }, (error, stats) => {
        if (error || stats.hasErrors()) throw error ?? new Error(stats.toString('errors-only'))
        for (const { message } of stats.toJson({ warnings: true }).warnings) console.error(message)
      })`
    const { stderr } = await run(process.execPath, ['--input-type=module', '--eval', program], { cwd: folder })
    writeFileSync(`${folder}dist/index.html`, html('<script defer src="main.js"></script>'))
    return stderr
  },
  async esbuild(folder) {
    const args = ['src/index.js', '--bundle', '--outfile=dist/main.js', '--log-level=error']
    const { stderr } = await run(`${tool('esbuild')}/bin/esbuild`, args, { cwd: folder })
    writeFileSync(`${folder}dist/index.html`, html('<script src="main.js"></script>'))
    return stderr
  },
}

export const BUNDLER_NAMES = Object.keys(BUNDLERS)

/**
 * Bundle a page of programs/.
 * @returns the folder to serve, and what the bundler complained of.
 */
export async function bundle(
  bundler: string,
  page: string,
): Promise<{ site: string; complaints: string; files: string[] }> {
  const name = `${page}-${bundler}`
  const folder = sources(name, page)
  const complaints = await BUNDLERS[bundler]!(folder)
  const site = `${PAGES}${name}/`
  rmSync(site, { recursive: true, force: true })
  cpSync(`${folder}dist`, site, { recursive: true })
  return { site, complaints, files: readdirSync(site, { recursive: true }).map(String).sort() }
}
