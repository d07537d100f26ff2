/** A page that does everything: opens, searches, builds and trains. */
import * as library from 'batl'
import { building, opening } from './check.js'
import { data, report } from './page.js'

void report(async () => {
  const base = new URLSearchParams(location.search).get('trainer')
  if (base !== null) await library.init({ trainerBase: base })
  return { opened: await opening(library, data), built: await building(library, { threads: 2 }) }
})
