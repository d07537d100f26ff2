import { toPlainError } from '../base/errors.js'
import type { Reply, TaskName, Tasks } from './messages.js'

/** A task as threads run it: no thread boundary carries the class or fields of an error, so every answer is a `Reply`. */
export type Task<K extends TaskName> = (input: Tasks[K]['input']) => Promise<Reply<Tasks[K]['output']>>

/** Wrap what a task does. */
export function task<K extends TaskName>(
  work: (input: Tasks[K]['input']) => Tasks[K]['output'] | Promise<Tasks[K]['output']>,
): Task<K> {
  return async (input) => {
    try {
      return { value: await work(input) }
    } catch (error) {
      return { error: toPlainError(error) }
    }
  }
}
