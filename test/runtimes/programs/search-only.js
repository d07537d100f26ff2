/** Opening and searching alone, for a runtime that may only read: `search-only.js DATA ENTRY`. Prints one line of JSON. */
import { opening } from './check.js'

const [folder, entry] = process.argv.slice(2)
console.log(JSON.stringify(await opening(await import(entry), (name) => `${folder}${name}`)))
