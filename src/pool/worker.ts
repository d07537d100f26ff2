import * as codeTasks from './code-tasks.js'
import * as nearTasks from './near-tasks.js'
import * as partitionTasks from './partition-tasks.js'
import * as rankTasks from './rank-tasks.js'
import { collectGarbage, restThread } from './rest.js'
import * as routeTasks from './route-tasks.js'
import { task } from './task.js'

/** The tasks of threads that build, by name: each takes the input and gives the output that `Tasks` says. */

export const coarse = task<'coarse'>(partitionTasks.coarse)
export const nearest = task<'nearest'>(partitionTasks.nearest)
export const refine = task<'refine'>(partitionTasks.refine)
export const group = task<'group'>(partitionTasks.group)
export const vicinities = task<'vicinities'>(partitionTasks.vicinities)
export const nearestLeaves = task<'nearestLeaves'>(partitionTasks.nearestLeaves)
export const lists = task<'lists'>(partitionTasks.lists)
export const rescore = task<'rescore'>(partitionTasks.rescore)
export const auction = task<'auction'>(partitionTasks.auction)
export const means = task<'means'>(partitionTasks.means)
export const permute = task<'permute'>(partitionTasks.permute)
export const copyLists = task<'copyLists'>(partitionTasks.copyLists)
export const neighbours = task<'neighbours'>(nearTasks.neighbours)
export const join = task<'join'>(nearTasks.join)
export const truth = task<'truth'>(nearTasks.truth)
export const blockRanks = task<'blockRanks'>(nearTasks.blockRanks)
export const firstLeaves = task<'firstLeaves'>(nearTasks.firstLeaves)
export const exact = task<'exact'>(routeTasks.exact)
export const ranks = task<'ranks'>(routeTasks.ranks)
export const beamRanks = task<'beamRanks'>(routeTasks.beamRanks)
export const navigateRoot = task<'navigateRoot'>(routeTasks.navigateRoot)
export const navigate = task<'navigate'>(routeTasks.navigate)
export const residuals = task<'residuals'>(codeTasks.residuals)
export const fitRotation = task<'fitRotation'>(codeTasks.fitRotation)
export const rotate = task<'rotate'>(codeTasks.rotate)
export const codebooks = task<'codebooks'>(codeTasks.codebooks)
export const encode = task<'encode'>(codeTasks.encode)
export const codeRanks = task<'codeRanks'>(rankTasks.codeRanks)
export const gaps = task<'gaps'>(rankTasks.gaps)

export const rest = task<'rest'>(async () => {
  await restThread()
  return undefined
})

/** Floats of a router's tables from which on what is left of a training's start is worth collecting. */
const MUCH = 1 << 18

/** TensorFlow.js is loaded by these two tasks alone, in workers that do nothing else. */
export const prepareTraining = task<'prepareTraining'>(async (plan) => {
  const { prepareTrainer } = await import('#trainer')
  return prepareTrainer(plan)
})

export const train = task<'train'>(async ({ progress, ...request }) => {
  const { runTraining } = await import('#trainer')
  const onStep = (done: number, total: number): void => {
    Atomics.store(progress, 0, done)
    Atomics.store(progress, 1, total)
  }
  const result = await runTraining(request, onStep, request.tables.length > MUCH ? collectGarbage : undefined)
  // Both of a team end with the same.
  return request.team?.half === 1 ? { ...result, tables: new Float32Array(0), weights: {} } : result
})
