/** A cache line, and enough for every vector load: what sections of a file and parts of a memory start at a multiple of. */
export const ALIGNMENT = 64

/** The next multiple of 64 that is not below an offset or address, of up to 53 bits. */
export function align64(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT
}
