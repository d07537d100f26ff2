/** All checks in Node, Bun or Deno: `everything.js DATA`. Prints one line of JSON. */
import * as library from 'batl'
import * as search from 'batl/search'
import { building, opening } from './check.js'

const folder = process.argv[2]
const source = (name) => `${folder}${name}`
const result = {
  opened: await opening(library, source),
  searched: await opening(search, source),
  built: await building(library, { threads: 2 }),
}
console.log(JSON.stringify(result))
