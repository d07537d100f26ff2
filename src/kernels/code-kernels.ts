/** The kernels of product codes (assembly/codes.ts), with the conventions of `KernelExports`. */
export interface CodeKernels {
  /** out = x - y, f32 [count, up to a multiple of 4], all at multiples of 16. */
  subtract(x: number, y: number, count: number, out: number): void

  /**
   * Code up to 16 rows of a leaf as one block of `columns` x 16 bytes; places without a row get zeros (see assembly/codes.ts).
   * @param rows - f32 [count x dims], rotated, `stride` bytes apart.
   * @param centroid - f32 [dims], rotated.
   * @param codebooks - f32 [subs x d x 16], subs = 2 * columns, dims = subs * d.
   * @param outTerms - f32 [count]: 2 centroid . r + r . r of the coded difference r.
   */
  encodeBlock(
    rows: number,
    stride: number,
    count: number,
    centroid: number,
    codebooks: number,
    columns: number,
    d: number,
    out: number,
    outTerms: number,
  ): void
  /**
   * Add up rows by the nearest centroid of each sub-code.
   * @param rows - f32 [count x dims], `stride` bytes apart: added as they are.
   * @param centroid - f32 [dims]: what is nearest to their difference to it counts.
   * @param sums - f64 [subs x 16 x d], and `counts` u32 [subs x 16]: both grow.
   */
  addNearest(
    rows: number,
    stride: number,
    count: number,
    centroid: number,
    codebooks: number,
    columns: number,
    d: number,
    sums: number,
    counts: number,
  ): void
  /**
   * What a query adds for each centroid of each sub-code: factor * query . centroid, less the least of its table, times the
   * scale that is returned: at most `mostScale`, and such that no value is above `levels`.
   * @param query - f32 [subs * d], rotated.
   * @param scratch - f32 [subs x 16].
   * @param out - u8 [subs x 16].
   * @param outLeast - f32: the sum of the least values.
   */
  codeTables(
    query: number,
    codebooks: number,
    subs: number,
    d: number,
    factor: number,
    levels: number,
    mostScale: number,
    scratch: number,
    out: number,
    outLeast: number,
  ): number
  /**
   * Look into the records of leaves u32 [count] ahead of `leafBases` and `scanCodes`, so that their memory is on its way: up to 1 MiB.
   * @param scratch - eight bytes that nobody reads.
   */
  touchLeaves(
    leaves: number,
    count: number,
    dim: number,
    records: number,
    leafOffsets: number,
    entryBytes: number,
    scratch: number,
  ): void
  /**
   * Bases of leaves: bias - weight * (query . centroid), less the smallest, which is returned, times `scale`.
   * @param query - i16, as `quantize` writes it, in steps of `unit`.
   * @param records - of all leaves (see assembly/leaves.ts), `leafOffsets` u32 by leaf its first entry.
   * @param entryBytes - of a code, a term and a number.
   * @param leaves - u32 [count].
   * @param scratch - f32 [count].
   * @param out - i32 [count], at most 32,767.
   */
  leafBases(
    query: number,
    unit: number,
    dim: number,
    records: number,
    leafOffsets: number,
    entryBytes: number,
    weight: number,
    leaves: number,
    count: number,
    scale: number,
    scratch: number,
    out: number,
  ): number
  /**
   * Scores of all entries of some leaves, each in whole blocks of 16; places of no entry hold 32,767.
   * @param leaves - u32 [count].
   * @param columns - bytes of a code.
   * @param factor - what a term counts, in 2^-15.
   * @param tables - u8 [2 * columns x 16], values of at most 63.
   * @param bases - i32 [count].
   * @param out - i16.
   * @returns how many places there are.
   */
  scanCodes(
    leaves: number,
    count: number,
    dim: number,
    records: number,
    leafOffsets: number,
    columns: number,
    entryBytes: number,
    factor: number,
    tables: number,
    bases: number,
    out: number,
  ): number
  /**
   * Places of the `wanted` least scores, ascending; of scores equal to the last, the first places.
   * @param scores - i16 [count], a multiple of 16.
   * @param limit - at least `wanted`; best with three times as many.
   * @param scratch - i16 [limit + 8].
   * @param out - u32 [limit], or [count] where all are wanted.
   * @returns how many: `wanted` or `count`.
   */
  selectScores(
    scores: number,
    count: number,
    wanted: number,
    near: number,
    reach: number,
    limit: number,
    scratch: number,
    out: number,
  ): number
  /** Entries of leaves u32 [count]. */
  countEntries(leaves: number, count: number, leafOffsets: number): number
  /** How many of scores i16 [count], a multiple of 8, are at most `bound`. */
  countScores(scores: number, count: number, bound: number): number
  /** Bytes of scratch for `placePositions`, and for as many rows of `placeScores`. */
  positionBytes(count: number): number
  /**
   * Rows of the entries at places u32 [count] of `scanCodes`' output, with their distances by code: shift + step * score.
   * @param scores - i16 by place.
   * @param before - rows that earlier calls put into the scratch.
   * @returns how many rows are in the scratch now.
   */
  placeScores(
    places: number,
    count: number,
    leaves: number,
    dim: number,
    records: number,
    leafOffsets: number,
    entryBytes: number,
    scores: number,
    step: number,
    shift: number,
    before: number,
    scratch: number,
  ): number
  /**
   * Offer the rows in the scratch of `placeScores` to a heap, each once with the least of its distances.
   * @param order - u32 ids by position.
   */
  offerRows(scratch: number, count: number, order: number, heap: number): void
  /**
   * Positions of the entries at places u32 [count] of `scanCodes`' output, ascending, each once, in place.
   * @returns how many positions there are.
   */
  placePositions(
    places: number,
    count: number,
    leaves: number,
    dim: number,
    records: number,
    leafOffsets: number,
    entryBytes: number,
    scratch: number,
  ): number
}
