/** A search page: the index that Node built, and nothing of building. */
import * as library from 'batl/search'
import { opening } from './check.js'
import { data, report } from './page.js'

void report(async () => {
  const wasm = new URLSearchParams(location.search).get('wasm')
  if (wasm !== null) await library.init({ wasm: fetch(wasm) })
  return { opened: await opening(library, data) }
})
