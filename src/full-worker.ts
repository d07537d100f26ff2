import { serve } from './worker.js'

/** The file of a Web Worker that can do everything. */
serve()
