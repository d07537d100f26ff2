/** All checks as a program that is bundled into one file: no module may wait at its top. */
import * as library from 'batl'
import * as search from 'batl/search'
import { building, opening } from './check.js'

async function main() {
  const source = (name) => `${process.argv[2]}${name}`
  return {
    opened: await opening(library, source),
    searched: await opening(search, source),
    built: await building(library),
  }
}

void main().then((result) => console.log(JSON.stringify(result)))
