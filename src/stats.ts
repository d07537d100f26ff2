import type { Stats } from './base/answers.js'
import { climb } from './eval/ladder.js'
import { sectionBytes, type OpenIndex } from './open.js'
import { TUNED_K, type Rung } from './tree/snapshot.js'

/** Recalls that `stats` shows the settings of. */
const SHOWN_RECALLS = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995]

/** What an index is and takes, from its header and leaves. */
export function describe({ layout, snapshot, threads, phaseSeconds }: OpenIndex): Stats {
  const { shape, tree, rungs, size, dim, metric, router, entryCount, trainer, rowType } = snapshot
  let largest = 0
  for (const { leafOffsets } of tree) {
    for (let leaf = 0; leaf < shape.leafCount; leaf++) {
      largest = Math.max(largest, leafOffsets[leaf + 1]! - leafOffsets[leaf]!)
    }
  }
  const exact = tree.length === 0
  return {
    size,
    dim,
    metric,
    router,
    leaves: exact ? 1 : shape.leafCount,
    depth: shape.arities.length,
    arity: shape.arities.at(-1) ?? 1,
    largestLeaf: exact ? 1 : (largest * shape.leafCount) / entryCount,
    storage: rowType,
    bytes: sectionBytes(layout),
    bytesPerVector: layout.length / size,
    threads,
    trainer,
    ...(phaseSeconds === undefined ? {} : { phaseSeconds }),
    tuned: rungs.length === 0 ? [] : TUNED_K.flatMap((k) => settings(rungs, k)),
  }
}

/** The settings for k neighbours; where some recalls are out of reach, the last is that of the most that is reached. */
function settings(rungs: readonly Rung[], k: number): Stats['tuned'] {
  const most = climb(rungs, 1, k).recall
  const within = SHOWN_RECALLS.filter((recall) => recall <= most)
  const shown = within.length < SHOWN_RECALLS.length ? [...within, most] : within
  return shown.map((recall) => {
    const { probes, rerank } = climb(rungs, recall, k)
    return { recall, k, probes, rerank }
  })
}
