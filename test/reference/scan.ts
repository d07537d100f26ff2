/** Positions that a scan of entries scores, in order: with a set of rows seen, each only once. */
export function scanEntries(entries: readonly number[], seen: Set<number> | undefined): number[] {
  if (seen === undefined) return [...entries]
  return entries.filter((position) => {
    if (seen.has(position)) return false
    seen.add(position)
    return true
  })
}

export function clearSeen(entries: readonly number[], seen: Set<number>): void {
  for (const position of entries) seen.delete(position)
}
