/**
 * The kernels that a build finds neighbours and leaves of whole blocks of queries with (assembly/near.ts and integers.ts),
 * with the conventions of `KernelExports`.
 */
export interface NearKernels {
  /**
   * Offer rows to the heaps of some queries, by the distance bias - query . row * scale.
   * @param form - 0: queries and rows f32; 1: i16 whose products add up below 2^31. Strides in bytes, multiples of 16; zeros
   *   after `dim` to 16 bytes.
   * @param places - u32 [queryCount] places of the queries and their heaps, or 0 for 0 to queryCount - 1.
   * @param bias - f32 [rowCount].
   * @param scales - f32 [rowCount], or 0.
   * @param positions - u32 [rowCount]: ids for the heaps.
   * @param heaps - heaps by the place of the query, `heapStride` bytes apart.
   * @param scratch - 32 bytes at a multiple of 16.
   */
  nearTiles(
    form: number,
    queries: number,
    queryStride: number,
    places: number,
    queryCount: number,
    rows: number,
    rowStride: number,
    rowCount: number,
    dim: number,
    bias: number,
    scales: number,
    positions: number,
    heaps: number,
    heapStride: number,
    scratch: number,
  ): void
  /** Rows of u8, i8 or steps as i16 rows, `outStride` bytes (a multiple of 16) apart, zeros after `dim` to a multiple of eight. */
  widenIntegers(
    type: number,
    rows: number,
    stride: number,
    count: number,
    dim: number,
    out: number,
    outStride: number,
  ): void
  /** Multiply some rows f32 [width], a multiple of four floats, `stride` bytes apart, by a factor each: f32 [count]. */
  scaleRows(rows: number, stride: number, count: number, width: number, factors: number): void
  /** Take f32 [width], a multiple of four floats, from each of some rows, `stride` bytes apart. */
  shiftRows(rows: number, stride: number, count: number, width: number, shift: number): void
  /**
   * Rows less a centre as i16 in units of their own, so that each is 32,000 units long: zeros after `width` to a
   * multiple of eight.
   * @param rows - f32 [count x width], `stride` bytes apart; addresses and strides are multiples of 16, `width` of 4.
   * @param units - f32 [count]; 0 for a row at the centre, and for one too long or too short for squares of f32.
   */
  centredIntegers(
    rows: number,
    stride: number,
    count: number,
    width: number,
    centre: number,
    out: number,
    outStride: number,
    units: number,
  ): void
  /**
   * Some queries by all rows in whole numbers: the product times the units of both, plus the bias of the row. Entry e of a
   * grid of `beam` places a query is for query e / beam, its results f32 [rowCount] at `out` + e * rowCount floats.
   * @param units - f32 by query.
   * @param unit - of all rows.
   * @param entries - u32 [entryCount]; what stands at the other places of the grid stays.
   * @param rows - i16, as queries are, both `stride` bytes apart; products of both stay below 2^31.
   * @param bias - f32 [rowCount].
   * @param scratch - 32 bytes at a multiple of 16.
   */
  scaledDots(
    queries: number,
    units: number,
    unit: number,
    entries: number,
    entryCount: number,
    beam: number,
    rows: number,
    stride: number,
    rowCount: number,
    dim: number,
    bias: number,
    out: number,
    scratch: number,
  ): void
  /**
   * Of each list's m scores keep the best, at least `least` and at most `most`, in no order; all where m <= most.
   * @param ids - u32 [m] ids of the places of every list, or 0 where the place is the id.
   * @param outIds - u32 [count x most], a list ended by 0xffffffff.
   * @param outScores - f32 [count x most].
   */
  shortenLists(
    scores: number,
    count: number,
    m: number,
    ids: number,
    least: number,
    most: number,
    outIds: number,
    outScores: number,
  ): void
}
