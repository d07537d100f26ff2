/** Items by group: group g holds `items` [offsets[g], offsets[g + 1]), ascending. */
export interface Groups {
  readonly offsets: Uint32Array
  readonly items: Uint32Array
}

/**
 * Items [0, groupOf.length) by the group that each names; those that name none of [0, count) are left out.
 * @param take - gives zeroes for the result.
 */
export function groupItems(
  groupOf: ArrayLike<number>,
  count: number,
  take: (length: number) => Uint32Array = (length) => new Uint32Array(length),
): Groups {
  const offsets = take(count + 1)
  for (let item = 0; item < groupOf.length; item++) {
    const group = groupOf[item]!
    if (group >= 0 && group < count) offsets[group + 1]!++
  }
  for (let group = 0; group < count; group++) offsets[group + 1]! += offsets[group]!
  const next = offsets.slice()
  const items = take(offsets[count]!)
  for (let item = 0; item < groupOf.length; item++) {
    const group = groupOf[item]!
    if (group >= 0 && group < count) items[next[group]!++] = item
  }
  return { offsets, items }
}
