// @ts-check
/**
 * Every kernel that is timed: a new kernel is one more entry of one of these lists. `prepare` lays out the inputs and gives
 * what to run; the twin does the same work, on as many items as its amount says, by the scalar functions of test/reference.
 */
import { BUILD_ENTRIES } from './build-entries.js'
import { CODE_ENTRIES } from './code-entries.js'
import { ROUTING_ENTRIES } from './routing-entries.js'
import { ROW_ENTRIES } from './row-entries.js'

/**
 * `name` begins with the kernel's. `amount`: items, or bytes of rows, of one call.
 * @typedef {{ amount: number, run: () => unknown }} Work
 * @typedef {{ name: string, unit: 'GB/s' | 'M/s',
 *   prepare: (stage: import('./stage.js').Stage, twins: any) => Work & { twin?: Work } }} Entry
 */

/** @type {Entry[]} */
export const KERNELS = [...ROW_ENTRIES, ...CODE_ENTRIES, ...ROUTING_ENTRIES, ...BUILD_ENTRIES]
