import { dot } from './dots.js'

export function scoreChildren(
  z: ArrayLike<number>,
  weights: readonly ArrayLike<number>[],
  bias: ArrayLike<number> | undefined,
  parents: readonly number[],
  arity: number,
): number[] {
  return parents.flatMap((parent) =>
    Array.from({ length: arity }, (_, j) => dot(z, weights[parent * arity + j]!) + (bias?.[parent * arity + j] ?? 0)),
  )
}

/** Log-softmax of each row's first `arity` logits, on top of the parent's score. */
export function addLogSoftmax(
  logits: readonly ArrayLike<number>[],
  arity: number,
  parentScores: ArrayLike<number>,
): number[] {
  return logits.flatMap((row, i) => {
    const used = Array.from(row).slice(0, arity)
    const peak = Math.max(...used)
    const logSum = peak + Math.log(used.reduce((sum, logit) => sum + Math.exp(logit - peak), 0))
    return used.map((logit) => parentScores[i]! + logit - logSum)
  })
}

export function expandChildren(parents: readonly number[], arity: number, chosen: readonly number[]): number[] {
  return chosen.map((place) => parents[Math.floor(place / arity)]! * arity + (place % arity))
}
