/** An edge worker: opens and searches, builds what needs no training, refuses the rest. */
import * as library from 'batl'
import kernels from 'batl/kernels-relaxed.wasm'
import * as search from 'batl/search'
import { opening, refusing } from './check.js'

/** What a request asks for, by its path. */
const WORK = {
  '/opening': (source) => opening(library, source),
  '/searching': (source) => opening(search, source),
  '/building': () => refusing(library),
  '/init': async (source) => {
    await library.init({ wasm: kernels })
    return opening(library, source)
  },
}

/** The handler; workerd takes it as the default export. */
const handler = {
  async fetch(request, { DATA }) {
    const work = WORK[new URL(request.url).pathname]
    try {
      return Response.json(await work((name) => new URL(name, DATA)))
    } catch (error) {
      return Response.json({ error: String(error?.stack ?? error) })
    }
  },
}

export { handler as default }
