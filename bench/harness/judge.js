// @ts-check
import { fromHalf } from '../../build/base/half.js'
import { loadPrepared } from './data.js'

/** Distances this much larger, of the k-th true distance or of 1, still count: engines round in f32. */
const TIE = 1e-6

/**
 * The one judge of all engines: it recomputes the distance of every answer in f64 from the rows as they came, so that
 * ties count and no engine's own arithmetic does.
 */
export class Judge {
  /** @param {import('./data.js').PreparedSet} set @param {Awaited<ReturnType<typeof loadPrepared>>} loaded @param {number} k */
  constructor(set, { base, queries, truth }, k) {
    if (truth.k < k) throw new Error(`${set.name}: the ground truth has ${truth.k} neighbours; --k is at most that`)
    this.set = set
    this.k = k
    this.rows = base.rows
    this.queries = queries
    this.values = base.type === 'f16' ? Float32Array.from({ length: 65_536 }, (_, bits) => fromHalf(bits)) : undefined
    this.bounds = Float64Array.from({ length: set.queryCount }, (_, query) => {
      let bound = -Infinity
      for (let j = 0; j < k; j++) bound = Math.max(bound, this.distance(query, truth.ids[query * truth.k + j] ?? 0))
      return bound + TIE * Math.max(1, Math.abs(bound))
    })
  }

  /** @param {import('./data.js').PreparedSet} set @param {number} k */
  static async of(set, k) {
    return new Judge(set, await loadPrepared(set), k)
  }

  /** Squared L2, minus the inner product, or 1 - cosine. @param {number} query @param {number} row */
  distance(query, row) {
    const { dim, metric } = this.set
    const { values, rows, queries } = this
    let dot = 0
    let norm = 0
    let square = 0
    for (let i = 0; i < dim; i++) {
      const raw = rows[row * dim + i] ?? 0
      const x = values === undefined ? raw : (values[raw] ?? 0)
      const q = queries[query * dim + i] ?? 0
      dot += x * q
      norm += x * x
      square += (x - q) * (x - q)
    }
    if (metric === 'l2') return square
    return metric === 'ip' ? -dot : 1 - dot / Math.sqrt(norm)
  }

  /**
   * Mean share of the k answers that are within the k-th true distance. A row counts once a query.
   * @param {ArrayLike<number>} ids - [queries x k] row numbers; below 0 where there is no answer.
   */
  recall(ids) {
    const { k, bounds, set } = this
    const count = ids.length / k
    let hits = 0
    for (let query = 0; query < count; query++) {
      const counted = new Set()
      for (let j = 0; j < k; j++) {
        const id = ids[query * k + j] ?? -1
        if (id < 0 || id >= set.size || counted.has(id)) continue
        counted.add(id)
        if (this.distance(query, id) <= (bounds[query] ?? 0)) hits++
      }
    }
    return hits / (count * k)
  }
}
