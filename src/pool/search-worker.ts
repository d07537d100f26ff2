import * as searchTasks from './search-tasks.js'
import { task } from './task.js'

/** The tasks of threads that search, by name. */

export const search = task<'search'>(searchTasks.search)
