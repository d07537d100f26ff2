/**
 * Where the tests of the packed package keep what they install and build: `.cache`, which survives from run to run.
 */
import { fileURLToPath } from 'node:url'

/** @param {string} path */
const inCache = (path) => fileURLToPath(new URL(`.cache/${path}`, import.meta.url))

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
export const CACHE = inCache('')
export const TOOLS = inCache('tools/')
export const TARBALL = inCache('batl.tgz')
/** A folder with the tarball installed as a user would. */
export const APP = inCache('app/')
export const DATA = inCache('data/')
export const PAGES = inCache('pages/')

/** @param {string} name - of a dependency in tools/package.json. */
export const tool = (name) => `${TOOLS}node_modules/${name}`
/** The executables of the runtimes. */
export const NODE = {
  'Node 20.19': `${tool('node20')}/bin/node`,
  'Node 22': `${tool('node22')}/bin/node`,
  'Node 24': `${tool('node24')}/bin/node`,
  'Node 26': `${tool('node26')}/bin/node`,
}
export const BUN = `${tool('bun')}/bin/bun`
export const DENO = `${tool('deno')}/deno`
