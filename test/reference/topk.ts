export interface Entry {
  readonly distance: number
  readonly id: number
}

/** The best k of all entries, by distance, then id; NaN as +Infinity. */
export function topk(entries: readonly Entry[], k: number): Entry[] {
  return entries
    .map(({ distance, id }) => ({ distance: Number.isNaN(distance) ? Infinity : distance, id }))
    .sort((a, b) => (a.distance === b.distance ? a.id - b.id : a.distance < b.distance ? -1 : 1))
    .slice(0, k)
}
