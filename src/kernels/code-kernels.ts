/** The kernels of product codes (assembly/codes.ts), with the conventions of `KernelExports`. */
export interface CodeKernels {
  /** out = x - y, f32 [count, up to a multiple of 4], all at multiples of 16. */
  subtract(x: number, y: number, count: number, out: number): void

  /**
   * Code up to 16 rows as one block of `columns` x 16 bytes; places without a row get zeros (see assembly/codes.ts).
   * @param rows - f32 [count x dims], rotated, `stride` bytes apart.
   * @param centroids - f32 [dims] each, rotated, `stride` bytes apart.
   * @param leaves - u32 [count]: each row's centroid.
   * @param codebooks - f32 [subs x d x 16], subs = 2 * columns, dims = subs * d.
   * @param outTerms - f32 [count]: 2 centroid . r + r . r of the coded difference r.
   */
  encodeBlock(
    rows: number,
    stride: number,
    count: number,
    centroids: number,
    leaves: number,
    codebooks: number,
    columns: number,
    d: number,
    out: number,
    outTerms: number,
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
   * Bases of leaves: bias - weight * (query . centroid), less the smallest, which is returned, times `scale`.
   * @param query - i16, as `quantize` writes it, in steps of `unit`.
   * @param centroids - i8 rows, `stride` bytes apart, in steps of `scales` f32 by leaf.
   * @param biases - f32 by leaf.
   * @param leaves - u32 [count].
   * @param scratch - f32 [count].
   * @param out - i32 [count], at most 32,767.
   */
  leafBases(
    query: number,
    unit: number,
    dim: number,
    centroids: number,
    stride: number,
    scales: number,
    biases: number,
    weight: number,
    leaves: number,
    count: number,
    scale: number,
    scratch: number,
    out: number,
  ): number
  /**
   * Scores of all entries of some leaves, in whole blocks of 16; places of other leaves' entries hold 32,767.
   * @param leaves - u32 [count].
   * @param leafOffsets - u32 by leaf: its first entry.
   * @param columns - bytes of a code.
   * @param terms - i16 by entry, or 0.
   * @param factor - what a term counts, in 2^-15.
   * @param tables - u8 [2 * columns x 16], values of at most 63.
   * @param bases - i32 [count].
   * @param out - i16.
   * @returns how many places there are.
   */
  scanCodes(
    leaves: number,
    count: number,
    leafOffsets: number,
    codes: number,
    columns: number,
    terms: number,
    factor: number,
    tables: number,
    bases: number,
    out: number,
  ): number
  /**
   * Places of the least scores, ascending: at least `wanted`, at most an eighth and four more.
   * @param scores - i16 [count], a multiple of 8.
   * @param out - u32 [min(count, wanted + wanted / 8 + 4)].
   */
  selectScores(scores: number, count: number, wanted: number, out: number): number
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
    leafOffsets: number,
    entries: number,
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
    leafOffsets: number,
    entries: number,
    scratch: number,
  ): number
}
