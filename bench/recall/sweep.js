// @ts-check

/** Where points must lie close together: where engines are compared. */
const ZONE = [0.85, 0.995]
/** Neighbouring points there are at most this far apart; times are read off between points of at most .02. */
const GAP = 0.015
/** Beyond this recall a family is done. */
const ENOUGH = 0.998
/** A family whose recall rises less than this over a doubling of its knob has nothing more to give. */
const GAIN = 0.0005

/**
 * Measure a family: its own values in ascending order, then whole numbers in between where recall jumps.
 * @template {{ recall: number }} P
 * @param {import('../engines/catalog.js').Family} family
 * @param {(value: number) => Promise<P>} measure
 * @returns {Promise<P[]>} by value.
 */
export async function sweepFamily({ values, most }, measure) {
  /** @type {{ value: number, point: P }[]} */
  const found = []
  for (const value of values) {
    const point = await measure(value)
    const last = found.at(-1)?.point.recall
    found.push({ value, point })
    if (most === undefined) continue
    if (point.recall >= ENOUGH || (last !== undefined && last > 0.5 && point.recall - last < GAIN)) break
  }
  for (let at = 1; most !== undefined && at < found.length;) {
    const [low, high] = [found[at - 1], found[at]]
    if (low === undefined || high === undefined) break
    const middle = Math.round(Math.sqrt(low.value * high.value))
    if (middle > low.value && middle < high.value && needsMore(low.point.recall, high.point.recall)) {
      found.splice(at, 0, { value: middle, point: await measure(middle) })
    } else at++
  }
  return found.map(({ point }) => point)
}

/** @param {number} low @param {number} high */
function needsMore(low, high) {
  const [from = 0, to = 1] = ZONE
  return high - low > GAP && high > from && low < to
}

/**
 * The points that no other beats: as fast or faster, with more recall. Ascending in recall.
 * @template T
 * @param {readonly T[]} points
 * @param {(point: T) => number} recall
 * @param {(point: T) => number | undefined} time - points without one are left out.
 * @returns {T[]}
 */
export function front(points, recall, time) {
  const timed = points.filter((point) => time(point) !== undefined)
  const sorted = timed.sort((a, b) => (time(a) ?? 0) - (time(b) ?? 0) || recall(b) - recall(a))
  /** @type {T[]} */
  const kept = []
  let best = -1
  for (const point of sorted) {
    if (recall(point) <= best) continue
    best = recall(point)
    kept.push(point)
  }
  return kept
}

/** Two points this far apart or less may be interpolated; .96 less .94 is a little more in floats. */
const INTERPOLATED = 0.02 + 1e-9

/**
 * The two points on the sides of a recall, or the one that has it; none where none lie on both sides and near enough.
 * @template {{ recall: number }} P
 * @param {readonly P[]} points - by ascending recall.
 * @param {number} wanted
 * @returns {[] | [P] | [P, P]}
 */
export function around(points, wanted) {
  const above = points.findIndex(({ recall }) => recall >= wanted)
  const high = points[above]
  if (high === undefined) return []
  if (high.recall === wanted) return [high]
  const low = points[above - 1]
  return low === undefined || high.recall - low.recall > INTERPOLATED ? [] : [low, high]
}

/**
 * The times at a recall: their logarithms are a straight line between the two points on its sides.
 * @param {readonly { recall: number, time: number, tail?: number }[]} points - by ascending recall. `tail`: p99.
 * @param {number} wanted
 * @returns {{ time: number, tail?: number } | undefined} undefined where no points lie on both sides and near enough.
 */
export function pointAt(points, wanted) {
  const [low, high] = around(points, wanted)
  if (low === undefined || high === undefined) return low
  const share = (wanted - low.recall) / (high.recall - low.recall)
  const between = (/** @type {number} */ a, /** @type {number} */ b) => a * (b / a) ** share
  return {
    time: between(low.time, high.time),
    ...(low.tail === undefined || high.tail === undefined ? {} : { tail: between(low.tail, high.tail) }),
  }
}
