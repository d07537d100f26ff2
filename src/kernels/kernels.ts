import type { CodeKernels } from './code-kernels.js'
import type { NearKernels } from './near-kernels.js'

/**
 * The exports of a kernel binary (assembly/). Addresses are bytes from the start of the memory, counts are whole numbers;
 * nothing is checked. Addresses that come back are signed: apply `>>> 0`.
 *
 * Codes. `metric`: 0 l2 (squared L2), 1 ip (minus the inner product), 2 cosine (1 - dot * scale, the query a unit vector).
 * `type` of rows: 0 f32, 1 f16, 2 u8, 3 i8, 4 steps of 10 bits. `queryKind`: 0 f32 components, against all types but 4; 1 i16
 * components: of -255 to 255 against u8 or i8 rows, exact; of at most 16,383 under cosine against rows of steps, with the
 * unit that they count behind them, an f32 after the zeros.
 *
 * Rows start at multiples of 16, `stride` bytes (a multiple of 16) apart, with zeros after `dim` components. A query starts at
 * a multiple of 16 and has zeros up to a multiple of 16 components. A smaller distance is better; none is NaN.
 * The bits of a distance or dot product depend on the query and the row alone.
 */
export interface KernelExports extends CodeKernels, NearKernels {
  /** First address that kernels leave to the host. */
  heapBase(): number

  /**
   * Distances of consecutive rows: what the kernels that offer rows to a heap are judged by, and memory is measured with.
   * @param scales - cosine: f32 [count]; otherwise 0.
   * @param out - f32 [count].
   */
  distances(
    metric: number,
    type: number,
    queryKind: number,
    query: number,
    dim: number,
    rows: number,
    stride: number,
    count: number,
    scales: number,
    out: number,
  ): void
  /**
   * Distances of the rows at some positions.
   * @param positions - u32 [count].
   * @param scales - cosine: f32 by position; otherwise 0.
   * @param out - f32 [count].
   */
  distancesAt(
    metric: number,
    type: number,
    queryKind: number,
    query: number,
    dim: number,
    rows: number,
    stride: number,
    positions: number,
    count: number,
    scales: number,
    out: number,
  ): void

  /**
   * out = queries . rows + bias, then max(0, .) where `relu` is 1. Strides in bytes, multiples of 16; zeros after `dim`
   * to four floats.
   * @param queries - f32 [queryCount], `queryStride` apart.
   * @param rows - f32 [rowCount], `rowStride` apart.
   * @param bias - f32 [rowCount], or 0.
   * @param out - f32 [queryCount x rowCount].
   */
  dots(
    queries: number,
    queryStride: number,
    queryCount: number,
    rows: number,
    rowStride: number,
    rowCount: number,
    dim: number,
    bias: number,
    relu: number,
    out: number,
  ): void
  /**
   * Dot products of one query and the rows of some ids.
   * @param ids - u32 [count].
   * @param bias - f32 by id, or 0.
   * @param out - f32 [count].
   */
  dotsAt(
    query: number,
    rows: number,
    rowStride: number,
    ids: number,
    count: number,
    dim: number,
    bias: number,
    out: number,
  ): void

  /** Rows of any type as f32 rows, `outStride` bytes (a multiple of 16) apart, zeros after `dim`. */
  widen(type: number, rows: number, stride: number, count: number, dim: number, out: number, outStride: number): void
  /** Finite rows f32 [dim] as `i10`, to zeroed rows `outStride` bytes apart: units f32 [count] of their steps, 0 for a row of zeros. */
  packSteps(
    rows: number,
    stride: number,
    count: number,
    dim: number,
    out: number,
    outStride: number,
    units: number,
  ): void
  /** Squared length of each row: out f32 [count]. */
  squaredNorms(type: number, rows: number, stride: number, count: number, dim: number, out: number): void
  /** sums f64 [width] += weight * row, of each of some rows f32 [width], a multiple of four floats, `stride` bytes apart. */
  addRows(rows: number, stride: number, count: number, width: number, weight: number, sums: number): void
  /** 1 where no component is infinite or NaN, else 0; `bytes` is a multiple of 16. */
  allFinite(type: number, rows: number, bytes: number): number

  /** Bytes of a heap that keeps the best k by distance, then lower id. */
  heapBytes(k: number): number
  /** Make an empty heap. */
  heapReset(heap: number, k: number): void
  /** Offer one entry; NaN counts as +Infinity. */
  heapOffer(heap: number, distance: number, id: number): void
  /**
   * Empty a heap, best first.
   * @param outDistances - f32 [k].
   * @param outIds - u32 [k].
   * @returns how many there were, at most k.
   */
  heapSort(heap: number, outDistances: number, outIds: number): number

  /**
   * Offer the rows at positions [first, first + count) to a heap.
   * @param scales - cosine: f32 by position; otherwise 0.
   * @param order - u32 ids by position, or 0 where the position is the id.
   */
  scanRows(
    metric: number,
    type: number,
    queryKind: number,
    query: number,
    dim: number,
    rows: number,
    stride: number,
    first: number,
    count: number,
    scales: number,
    order: number,
    heap: number,
  ): void
  /**
   * Offer the rows at some positions to a heap.
   * @param entries - u32 [count] positions.
   * @param seen - bitmap by position (bit p & 7 of byte p >> 3): set bits are passed over, the others scored and set; or 0.
   * @param scales - cosine: f32 by position; otherwise 0.
   * @param order - u32 ids by position, or 0 where the position is the id.
   * @returns rows scored.
   */
  scanEntries(
    metric: number,
    type: number,
    queryKind: number,
    query: number,
    dim: number,
    rows: number,
    stride: number,
    entries: number,
    count: number,
    seen: number,
    scales: number,
    order: number,
    heap: number,
  ): number
  /**
   * Look into the rows at positions u32 [count] ahead of `scanEntries`, so that their memory is on its way.
   * @param scales - f32 by position, or 0; `order` - u32 by position, or 0.
   * @param scratch - eight bytes that nobody reads.
   */
  touchRows(
    positions: number,
    count: number,
    rows: number,
    stride: number,
    scales: number,
    order: number,
    scratch: number,
  ): void

  /** Bytes of scratch for `selectBest`. */
  selectBytes(count: number, width: number): number
  /**
   * The best scores, larger is better, ties by lower index, in ascending order of index; NaN counts as -Infinity.
   * @param scores - f32 [count].
   * @param scratch - `selectBytes(count, width)` bytes at a multiple of 16.
   * @param outIndices - u32 [width].
   * @param outScores - f32 [width].
   * @returns how many: min(width, count).
   */
  selectBest(
    scores: number,
    count: number,
    width: number,
    scratch: number,
    outIndices: number,
    outScores: number,
  ): number
  /**
   * Of nodes, those of a rank r, from 0, whose score is less than reach / sqrt(r) below the best score; nodes of one score have
   * the rank of the first. In place, in the order in which they are.
   * @param nodes - u32 [count].
   * @param scores - f32 [count], with room up to a multiple of four.
   * @param reach - above 0.
   * @returns how many.
   */
  keepNear(nodes: number, scores: number, count: number, reach: number): number
  /**
   * Linear scores of the children of some nodes; child j of node n is node n * arity + j of its level.
   * @param z - f32, padded as a row of `weights`.
   * @param weights - f32 rows by child node, `rowStride` bytes apart.
   * @param bias - f32 by child node, or 0.
   * @param parents - u32 [parentCount]; ascending, so that `selectBest` breaks ties by lower node.
   * @param out - f32 [parentCount x arity].
   */
  scoreChildren(
    z: number,
    dim: number,
    weights: number,
    rowStride: number,
    bias: number,
    parents: number,
    parentCount: number,
    arity: number,
    out: number,
  ): void
  /**
   * `scoreChildren` with whole numbers: products * (unit * scale of the child) + bias of the child. Up to three floats behind the last
   * score are written, and behind the last scale and bias read.
   * @param z - i16 [dim, zeros up to a multiple of 8], as `quantize` writes it.
   * @param weights - i8 rows, `rowStride` bytes apart.
   * @param scales - f32 by child node; `bias` the same.
   */
  scoreChildrenInt(
    z: number,
    unit: number,
    dim: number,
    weights: number,
    rowStride: number,
    scales: number,
    bias: number,
    parents: number,
    parentCount: number,
    arity: number,
    out: number,
  ): void
  /**
   * A vector in whole numbers of at most `most` times the unit that is returned.
   * @param values - f32 [count, zeros up to a multiple of 8].
   * @param most - `QUERY_STEPS` where products with 8-bit rows are to add up exactly.
   * @param out - i16 [count, zeros up to a multiple of 8].
   */
  quantize(values: number, count: number, most: number, out: number): number

  /**
   * Path scores: the parent's plus the log-softmax over the row's first `arity` logits.
   * @param logits - f32 [count x arityStride].
   * @param parentScores - f32 [count].
   * @param out - f32 [count x arity].
   */
  addLogSoftmax(
    logits: number,
    arityStride: number,
    arity: number,
    count: number,
    parentScores: number,
    out: number,
  ): void
  /**
   * Node numbers of places in the grid of `scoreChildren`.
   * @param parents - u32 [parentCount].
   * @param chosen - u32 [count], each below parentCount * arity.
   * @param out - u32 [count].
   */
  expandChildren(parents: number, parentCount: number, arity: number, chosen: number, count: number, out: number): void
  /** Bytes of scratch for `sortBest`. */
  sortBytes(count: number): number
  /**
   * Put nodes u32 [count] into the order of their scores f32 [count], best first, ties as they came; NaN counts as -Infinity.
   * @param scratch - `sortBytes(count)` bytes at a multiple of 16.
   */
  sortBest(nodes: number, scores: number, count: number, scratch: number): void

  /** How many of scores f32 [count] are above `bound`: the rank of a score, from 0. */
  countAbove(scores: number, count: number, bound: number): number

  /**
   * out = norm(x + y) by rows of n: (sum - mean) / sqrt(variance + 1e-5) * gain + shift. `out` may be `x` or `y`.
   * @param xStride - bytes; 0 where all rows share one x.
   * @param norm - f32 [2 x n]: gain, then shift.
   */
  addNorm(
    x: number,
    xStride: number,
    y: number,
    yStride: number,
    norm: number,
    n: number,
    count: number,
    out: number,
    outStride: number,
  ): void

  /**
   * One step of Adam: weights and moments move in place.
   * @param weights - f32 [count], a multiple of four; `mean` and `square`, the moments, the same.
   * @param one - f32 [count]: with `other` and times `share` the gradient.
   * @param keptMean - of a moment what stays; `addedMean` of the gradient what comes to it.
   */
  adamStep(
    weights: number,
    mean: number,
    square: number,
    one: number,
    other: number,
    count: number,
    share: number,
    keptMean: number,
    addedMean: number,
    keptSquare: number,
    addedSquare: number,
    size: number,
    epsilon: number,
  ): void

  /**
   * Each of some points takes the candidate of the best score less price, the first of equals.
   * @param points - u32 [count] numbers of points, or 0 for points 0 to count - 1.
   * @param leaves - u32 by point, m each, 0xffffffff ends a list early; or 0 for leaves 0 to m - 1.
   * @param scores - f32 by point, m each, larger is better.
   * @param prices - f32 by leaf.
   * @param leafOf - u32 by point: the leaf taken; 0xffffffff for an empty list.
   */
  chooseLeaves(
    points: number,
    count: number,
    leaves: number,
    scores: number,
    prices: number,
    m: number,
    leafOf: number,
  ): void
  /** Value of each point's leaf less that of its best other candidate: out f32 [count]; Infinity without one of them. */
  margins(
    points: number,
    count: number,
    leaves: number,
    scores: number,
    prices: number,
    m: number,
    leafOf: number,
    out: number,
  ): void

  /** Start a checksum (XXH3-64) of more than 240 bytes: `state` is 72 bytes at a multiple of 16. */
  hashStart(state: number): void
  /** Take in `count` blocks of 1024 bytes; at least one byte of the input comes after them. */
  hashBlocks(state: number, at: number, count: number): void
  /** Take in the last 1 to 1024 bytes, behind the bytes before them; the result is the ninth u64 of the state. */
  hashEnd(state: number, at: number, rest: number, total: number): void
  /** The checksum of at most 240 bytes, as the ninth u64 of the state. */
  hashShort(state: number, at: number, bytes: number): void
}

/** Kernels of one thread on one memory. Every thread on a memory needs its own. */
export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelExports {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  return exports as unknown as KernelExports
}
