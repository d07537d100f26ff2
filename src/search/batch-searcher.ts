import { Searcher } from './searcher.js'

/** A searcher of a thread that searches batches: it says near what a query begins. */
export class BatchSearcher extends Searcher {
  /** The best node below the root of the first tree. */
  firstNode(query: ArrayLike<number>): number {
    this.query.load(query)
    const [model] = this.models
    const { shape } = this.snapshot
    const scores = this.arena.f32(model!.scoreNode(this.query.routing, 0, 0), shape.arities[0]!)
    let best = 0
    for (let node = 1; node < scores.length; node++) if (scores[node]! > scores[best]!) best = node
    return best
  }
}
