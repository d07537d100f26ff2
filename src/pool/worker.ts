import { isMainThread, workerData } from 'node:worker_threads'
import { toPlainError } from '../base/errors.js'
import { setKernelModule } from '../kernels/load.js'
import type { Reply, TaskName, Tasks, WorkerData } from './messages.js'
import * as codeTasks from './code-tasks.js'
import * as nearTasks from './near-tasks.js'
import * as partitionTasks from './partition-tasks.js'
import * as routeTasks from './route-tasks.js'
import * as searchTasks from './search-tasks.js'

/**
 * The tasks of a worker thread, by name: each takes the input and gives the output that `Tasks` says. Piscina carries
 * neither the class nor the fields of an error, so every answer is a `Reply`.
 */

if (!isMainThread) setKernelModule((workerData as WorkerData).module)

function task<K extends TaskName>(
  work: (input: Tasks[K]['input']) => Tasks[K]['output'] | Promise<Tasks[K]['output']>,
): (input: Tasks[K]['input']) => Promise<Reply<Tasks[K]['output']>> {
  return async (input) => {
    try {
      return { value: await work(input) }
    } catch (error) {
      return { error: toPlainError(error) }
    }
  }
}

export const coarse = task<'coarse'>(partitionTasks.coarse)
export const nearest = task<'nearest'>(partitionTasks.nearest)
export const refine = task<'refine'>(partitionTasks.refine)
export const group = task<'group'>(partitionTasks.group)
export const vicinities = task<'vicinities'>(partitionTasks.vicinities)
export const nearestLeaves = task<'nearestLeaves'>(partitionTasks.nearestLeaves)
export const lists = task<'lists'>(partitionTasks.lists)
export const auction = task<'auction'>(partitionTasks.auction)
export const means = task<'means'>(partitionTasks.means)
export const permute = task<'permute'>(partitionTasks.permute)
export const copyLists = task<'copyLists'>(partitionTasks.copyLists)
export const neighbours = task<'neighbours'>(nearTasks.neighbours)
export const truth = task<'truth'>(nearTasks.truth)
export const blockRanks = task<'blockRanks'>(nearTasks.blockRanks)
export const firstLeaves = task<'firstLeaves'>(nearTasks.firstLeaves)
export const exact = task<'exact'>(routeTasks.exact)
export const ranks = task<'ranks'>(routeTasks.ranks)
export const beamRanks = task<'beamRanks'>(routeTasks.beamRanks)
export const navigateRoot = task<'navigateRoot'>(routeTasks.navigateRoot)
export const navigate = task<'navigate'>(routeTasks.navigate)
export const residuals = task<'residuals'>(codeTasks.residuals)
export const rotation = task<'rotation'>(codeTasks.rotation)
export const codebooks = task<'codebooks'>(codeTasks.codebooks)
export const encode = task<'encode'>(codeTasks.encode)
export const codeRanks = task<'codeRanks'>(searchTasks.codeRanks)
export const search = task<'search'>(searchTasks.search)

/** TensorFlow.js is loaded by this task alone, in a worker that ends with the training. */
export const train = task<'train'>(async ({ progress, mix, usesNorm, ...request }) => {
  const { trainRouter } = await import('../train/router.js')
  const { mixStart } = await import('../train/start.js')
  if (mix) mixStart(request, usesNorm)
  return trainRouter({
    ...request,
    onStep: (done, total) => {
      Atomics.store(progress, 0, done)
      Atomics.store(progress, 1, total)
    },
  })
})
