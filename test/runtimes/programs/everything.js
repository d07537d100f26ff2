/** All checks in Node, Bun or Deno: `everything.js DATA`. Prints one line of JSON. */
import * as library from 'batl'
import * as search from 'batl/search'
import { readdirSync } from 'node:fs'
import { building, opening } from './check.js'

const folder = process.argv[2]
const source = (name) => `${folder}${name}`
const threads = () => readdirSync('/proc/self/task').length
const before = threads()
let most = before
const timer = setInterval(() => (most = Math.max(most, threads())), 5)
const result = {
  opened: await opening(library, source),
  searched: await opening(search, source),
  built: await building(library, { threads: 2 }),
}
clearInterval(timer)
console.log(JSON.stringify({ ...result, threads: most - before }))
