import { lowerBound } from '../base/lower-bound.js'
import { entriesOf, nearestRows, stepsOf, type Beam, type SnapshotHeader } from '../tree/snapshot.js'
import { NO_ENTRY } from './score-counts.js'

/** Numbers of reranked rows that are tried: each about this much more than the one before. */
const RERANK_RATIO = 1.2
/** The place by code whose mean gap is the reach of rows, as a share of the most. */
const ROWS_REACHED = 0.5

/** A number of leaves to visit, with the recall that they hold for each of `TUNED_K` under each beam that reaches as many. */
export interface Visit {
  readonly probes: number
  /** Under the widest beam. */
  readonly recall: readonly number[]
  readonly beams: readonly (Beam & {
    /** Nodes kept on average. */
    readonly kept: number
    readonly recall: readonly number[]
  })[]
}

/** A visit that leaves out what scores far below the best leaf. */
export interface NearVisit extends Visit {
  readonly leafReach: number
}

/**
 * For each visit under its widest beam, query and true neighbour: how many entries, by code, are as good as it; or, without
 * stored rows, its place among the answers. 2^32 - 1 where it is not met.
 */
export interface TrialTable {
  readonly visits: readonly NearVisit[]
  /** [visits]: leaves that a query visits on average. */
  readonly visited: readonly number[]
  /** [visits * queries * k] */
  readonly ranks: Uint32Array
  readonly queries: number
  /** Neighbours of a query. */
  readonly k: number
  readonly size: number
  readonly entryCount: number
  /** Whether the best by code are compared exactly; otherwise they are the answers. */
  readonly reranked: boolean
  readonly scores?: TrialScores
}

/** Scores of the entries that visits look at. */
export interface TrialScores {
  /** From 1 on, ascending: what `rankedEntries` gives. */
  readonly ranks: readonly number[]
  /** [visits * queries * ranks]: scores of the entries of these ranks, `NO_ENTRY` where a visit meets fewer. */
  readonly least: Int16Array
  /** [visits * queries * k]: scores of the true neighbours that are met. */
  readonly own: Int16Array
  /** [queries]: steps of a score for a unit of distance. */
  readonly scales: Float32Array
}

/** Numbers of rows to rerank that are tried for k neighbours. */
function reranks(k: number, size: number): number[] {
  const tried: number[] = []
  for (let rerank = k; rerank < Math.min(size, k * 100 + 1000); rerank = Math.ceil(rerank * RERANK_RATIO)) {
    tried.push(rerank)
  }
  return tried
}

type TableSizes = Pick<SnapshotHeader, 'size' | 'entryCount'>

/** Entries that stand for rows in a setting: the most that are compared, the last of the nearest, and the one whose gap is the reach. */
function entriesAsked(k: number, rerank: number, header: TableSizes): { most: number; near: number; end: number } {
  const most = entriesOf(rerank, header)
  return { most, near: entriesOf(nearestRows(k, rerank), header), end: Math.ceil(most * ROWS_REACHED) }
}

/** Ranks of the entries whose scores `fitLadder` wants to know, ascending. */
export function rankedEntries(ks: readonly number[], header: TableSizes): number[] {
  const ranks = ks.flatMap((k) =>
    reranks(Math.min(k, header.size), header.size).flatMap((rerank) => Object.values(entriesAsked(k, rerank, header))),
  )
  return [...new Set(ranks)].sort((a, b) => a - b)
}

/** What comes of a number of rows to compare, at most. */
interface RerankTrial {
  readonly rerank: number
  readonly rowReach: number
  /** Rows that a query compares on average. */
  readonly compared: number
  /** Lower bound of recall@k: the mean less one standard error. */
  readonly recall: number
}

/** Up to which scores a visit's queries compare entries when they may compare more and more rows. */
class RowBounds {
  readonly reaches: Float32Array
  /** Entries compared, over all queries until now. */
  readonly entries: Float64Array
  /** Of the query at hand, by number of rows. */
  readonly #scores: Int32Array
  readonly #known: TrialScores
  readonly #first: number
  /** Places among the known ranks. */
  readonly #most: Int32Array
  readonly #near: Int32Array

  constructor(table: TrialTable, known: TrialScores, visit: number, k: number, tried: readonly number[]) {
    const { ranks, least, scales } = known
    const asked = tried.map((rerank) => entriesAsked(k, rerank, table))
    const places = (name: keyof (typeof asked)[0]): Int32Array =>
      Int32Array.from(asked, (entries) => lowerBound(ranks, entries[name]))
    const ends = places('end')
    const near = (this.#near = places('near'))
    this.#most = places('most')
    this.#known = known
    this.#first = visit * table.queries * ranks.length
    this.#scores = new Int32Array(tried.length)
    this.entries = new Float64Array(tried.length)
    const sums = new Float64Array(tried.length)
    const counts = new Uint32Array(tried.length)
    for (let q = 0, row = this.#first; q < table.queries; q++, row += ranks.length) {
      for (let r = 0; r < tried.length; r++) {
        const far = least[row + ends[r]!]!
        if (far === NO_ENTRY) break
        sums[r]! += (far - least[row + near[r]!]!) / scales[q]!
        counts[r]!++
      }
    }
    this.reaches = Float32Array.from(sums, (sum, r) => {
      const mean = Math.fround(sum / counts[r]!)
      return ends[r]! > near[r]! && mean > 0 && mean < Infinity ? mean : 0
    })
  }

  /** Go to a query, each once. */
  enter(query: number): void {
    const { ranks, least, scales } = this.#known
    const row = this.#first + query * ranks.length
    const scale = scales[query]!
    // The last known rank whose score is near enough: from one number of rows to the next it is not far to go.
    let at = -1
    for (let r = 0; r < this.#scores.length; r++) {
      const last = this.#most[r]!
      const steps = stepsOf(this.reaches[r]!, scale)
      // A search that meets no more than may be compared compares all.
      const all = steps === 0 || least[row + last]! === NO_ENTRY
      const bound = all ? NO_ENTRY : least[row + this.#near[r]!]! + steps
      const limit = all ? NO_ENTRY - 1 : bound
      while (at < last && least[row + at + 1]! <= limit) at++
      while (at >= 0 && least[row + at]! > limit) at--
      this.#scores[r] = bound
      this.entries[r]! += at < 0 ? 0 : at === last ? ranks[last]! : this.#between(row, at, bound)
    }
  }

  /** Count a true neighbour, by its place in the table, for the numbers of rows from a place on whose bound it is within. */
  count(place: number, neighbour: number, found: Uint32Array): void {
    const scores = this.#scores
    const own = this.#known.own[neighbour]!
    for (let r = place; r < scores.length; r++) if (own <= scores[r]!) found[r]!++
  }

  /** About how many entries score up to a bound between those of two ranks. */
  #between(row: number, at: number, bound: number): number {
    const { ranks, least } = this.#known
    const [score, next] = [least[row + at]!, least[row + at + 1]!]
    const more = next === NO_ENTRY ? 0 : (bound - score) / (next - score)
    return ranks[at]! + more * (ranks[at + 1]! - ranks[at]!)
  }
}

/** Numbers of rows to compare for k neighbours. */
interface Tried {
  readonly k: number
  readonly reranks: readonly number[]
  /** By rank of an entry the first of these numbers, by its place, that it is among; without stored rows, by rank of an answer. */
  readonly placeOf: Uint32Array
}

/** What comes of a visit when more and more rows are compared, all of them or those within bounds. */
function tryVisit(table: TrialTable, visit: number, { k, reranks, placeOf }: Tried, near?: RowBounds): RerankTrial[] {
  const { ranks, queries, k: width, size, entryCount } = table
  const asked = Math.min(k, width, size)
  const found = new Uint32Array(reranks.length)
  const sums = new Float64Array(reranks.length)
  const squares = new Float64Array(reranks.length)
  for (let q = 0; q < queries; q++) {
    near?.enter(q)
    const at = (visit * queries + q) * width
    found.fill(0)
    for (let j = at; j < at + asked; j++) {
      const rank = ranks[j]!
      if (rank >= placeOf.length) continue
      if (near === undefined) found[placeOf[rank]!]!++
      else near.count(placeOf[rank]!, j, found)
    }
    // Whom no bound leaves out is among more rows as well.
    if (near === undefined) for (let r = 1; r < found.length; r++) found[r]! += found[r - 1]!
    for (let r = 0; r < found.length; r++) {
      const share = found[r]! / asked
      sums[r]! += share
      squares[r]! += share * share
    }
  }
  return reranks.map((rerank, r) => {
    const mean = sums[r]! / queries
    const variance = Math.max(0, squares[r]! / queries - mean * mean)
    const recall = Math.max(0, mean - Math.sqrt(variance / queries))
    if (near === undefined) return { rerank, rowReach: 0, compared: rerank, recall }
    const compared = Math.min(rerank, (near.entries[r]! * size) / entryCount / queries)
    return { rerank, rowReach: near.reaches[r]!, compared, recall }
  })
}

/** What comes of each visit for k neighbours when more and more rows are compared; where scores are known, also of those within reach. */
export function tryReranks(table: TrialTable, k: number): RerankTrial[][] {
  const { size, visits, reranked, scores } = table
  const tried = reranked ? reranks(Math.min(k, size), size) : [0]
  const most = tried.map((rerank) => (reranked ? entriesOf(rerank, table) : k))
  const placeOf = Uint32Array.from({ length: most.at(-1)! + 1 }, (_, rank) => lowerBound(most, rank))
  const numbers = { k, reranks: tried, placeOf }
  return visits.map((_, visit) => [
    ...tryVisit(table, visit, numbers),
    ...(scores ? tryVisit(table, visit, numbers, new RowBounds(table, scores, visit, k, tried)) : []),
  ])
}
