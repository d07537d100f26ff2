import * as tasks from './pool/search-worker.js'
import { serveTasks } from './pool/serve.js'

/** The file of a Web Worker that searches. */
serveTasks(tasks)
