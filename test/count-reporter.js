// @ts-check
import { writeFileSync } from 'node:fs'

/** Writes how many tests passed, failed and were skipped to the file that BATL_TEST_COUNTS names, for `.ci/run`. */
export default class CountReporter {
  /**
   * @param {unknown} _contexts
   * @param {import('@jest/reporters').AggregatedResult} results
   */
  onRunComplete(_contexts, results) {
    const file = process.env['BATL_TEST_COUNTS']
    if (!file) return
    // A file that could not run at all has no failed test of its own: it counts as one.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
    const skipped = results.numPendingTests + results.numTodoTests
    writeFileSync(file, `${results.numPassedTests} ${failed} ${skipped}\n`)
  }
}
