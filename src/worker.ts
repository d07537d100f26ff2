import { buildApart } from './builder/director-ports.js'
import * as searchTasks from './pool/search-worker.js'
import { serveTasks } from './pool/serve.js'
import * as tasks from './pool/worker.js'

/**
 * Make the worker that calls it one of the library's: for a file of your own that `init({ worker })` starts, where a
 * bundler does not bring the library's own along.
 */
export function serve(): void {
  serveTasks({ ...tasks, ...searchTasks, buildApart })
}
