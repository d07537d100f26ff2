import { Searcher } from './searcher.js'

/** A searcher of a thread that searches batches: it says near what a query begins. */
export class BatchSearcher extends Searcher {
  readonly #root = this.snapshot.shape.arities.slice(0, 1)

  /** The best node below the root of the first tree. */
  firstNode(query: ArrayLike<number>): number {
    this.query.load(query)
    const model = this.models[0]!
    model.route(this.query.routing, { probes: 1, beamWidth: 1 }, this.#root)
    return this.arena.u32(model.leaves, 1)[0]!
  }
}
