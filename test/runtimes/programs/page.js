/** What pages of every bundler share: counts workers and violations of the page's policy, and sends what was found home. */
const workers = []
if (globalThis.Worker !== undefined) {
  const { Worker } = globalThis
  globalThis.Worker = class extends Worker {
    constructor(url, options) {
      super(url, options)
      workers.push(String(url))
    }
  }
}
const violations = []
document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  violations.push(`${violatedDirective} ${blockedURI}`)
})

/** @param {object} result */
async function send(result) {
  const page = { isolated: globalThis.crossOriginIsolated === true, workers, violations }
  await fetch('/result', { method: 'POST', body: JSON.stringify({ ...page, ...result }) })
}

/** @param {() => Promise<object>} work */
export async function report(work) {
  try {
    await send(await work())
  } catch (error) {
    await send({ error: `${error?.name} ${error?.code}: ${error?.stack ?? error?.message}` })
  }
}

/** The address of a file of the test's data. */
export const data = (name) => new URL(`/data/${name}`, location.href)
