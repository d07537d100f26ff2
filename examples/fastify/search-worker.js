// @ts-check
/** One of the threads that search: it attaches to the index of the server's thread, and copies nothing. */
import { threadId, workerData } from 'node:worker_threads'
import { BatlIndex } from 'batl'

const index = await BatlIndex.attach(workerData)

/**
 * @param {{ query: number[], options: import('batl').SearchOptions }} task
 * @returns what goes back to the server's thread; errors of the index pass through `answer` as values, with their codes.
 */
export function answer({ query, options }) {
  try {
    const { ids, distances } = index.search(query, options)
    return { ids: Array.from(ids), distances: Array.from(distances), thread: threadId }
  } catch (error) {
    const { code, message } = /** @type {import('batl').BatlError} */ (error)
    return { code, message }
  }
}
