/** What must hold in every runtime; each part returns plain values, which the tests compare with what Node found. */
import { answers, DIM, K, makeRows, QUERIES, SIZE, SMALL, sumOf } from './data.js'

/** @param {unknown} error */
const told = (error) => ({ code: error?.code, name: error?.name, message: String(error?.message ?? error) })

/** @param {() => Promise<unknown>} action */
async function failure(action) {
  try {
    await action()
  } catch (error) {
    return told(error)
  }
  return { code: 'nothing was thrown' }
}

/**
 * Open the index that Node built, and refuse what is broken.
 * @param {{ BatlIndex: any }} library - `batl` or `batl/search`.
 * @param {(name: string) => unknown} source - what `open` opens.
 */
export async function opening({ BatlIndex }, source) {
  const rows = makeRows(SIZE)
  const index = await BatlIndex.open(source('trained.batl'))
  const ids = answers(index, rows)
  const batch = await index.searchBatch(rows.subarray(0, QUERIES * DIM), { k: K, threads: 2 })
  const small = await BatlIndex.open(source('small.batl'))
  const nearest = small.search(rows.subarray(7 * DIM, 8 * DIM), { k: 1 }).ids[0]
  const broken = await failure(() => BatlIndex.open(source('broken.batl')))
  const truncated = await failure(() => BatlIndex.open(source('truncated.batl')))
  await Promise.all([index.close(), index.close(), small.close()])
  const closed = await failure(async () => index.search(rows.subarray(0, DIM)))
  return { ids, batch: [...batch.ids], nearest, broken, truncated, closed }
}

/**
 * Build 500 rows, which are scanned, and 10,000 with a trained tree.
 * @param {{ BatlIndex: any, exactSearch: any }} library - `batl`.
 * @param {object} options
 */
export async function building({ BatlIndex, exactSearch }, options = {}) {
  const rows = makeRows(SIZE)
  const small = await BatlIndex.build(rows.subarray(0, SMALL * DIM), { dim: DIM })
  let turns = 0
  const timer = setInterval(() => turns++, 5)
  const phases = new Set()
  const onProgress = ({ phase }) => phases.add(phase)
  const index = await BatlIndex.build(rows, { dim: DIM, trainer: 'wasm', onProgress, ...options })
  clearInterval(timer)
  const exact = await exactSearch(rows, rows.subarray(0, 20 * DIM), { dim: DIM, k: 1 })
  const { trainer, leaves } = index.stats()
  const found = {
    ids: answers(index, rows),
    trainedSum: sumOf(index.toBytes()),
    smallSum: sumOf(small.toBytes()),
    exact: [...exact.ids],
    phases: [...phases].sort(),
    detached: rows.length,
    trainer,
    leaves,
    turns,
  }
  await Promise.all([index.close(), small.close()])
  return found
}

/**
 * Where no tree can be trained: 500 rows are built, 10,000 refused.
 * @param {{ BatlIndex: any }} library - `batl`.
 */
export async function refusing({ BatlIndex }) {
  const rows = makeRows(SIZE)
  const small = await BatlIndex.build(rows.subarray(0, SMALL * DIM), { dim: DIM })
  const smallSum = sumOf(small.toBytes())
  await small.close()
  return { smallSum, error: await failure(() => BatlIndex.build(rows, { dim: DIM })) }
}
