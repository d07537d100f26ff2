export function widen(row: ArrayLike<number>, width: number): number[] {
  return Array.from({ length: width }, (_, i) => row[i] ?? 0)
}

export function squaredNorms(rows: readonly ArrayLike<number>[]): number[] {
  return rows.map((row) => Array.from(row).reduce((sum, value) => sum + value * value, 0))
}

export function allFinite(rows: readonly ArrayLike<number>[]): boolean {
  return rows.every((row) => Array.from(row).every(Number.isFinite))
}
